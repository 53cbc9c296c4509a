# SPDX-License-Identifier: GPL-2.0-only
"""The sample device of docs/write-a-driver.md: random bytes from the root."""

from machine.testing import boot, expect
from system import guests

JOB = """\
until dd if=/dev/hwrng of=/a bs=512 count=8 2>/dev/null && [ "$(wc -c </a)" = 4096 ]; do sleep 0.2; done
cat /sys/class/misc/hw_random/rng_current; echo "zeroes: $(tr -d -c '\\000' </a | wc -c)"; echo first
n=0; while [ $n -lt 30 ]; do n=$((n + 1)); sleep 0.2
    dd if=/dev/hwrng of=/b bs=512 count=8 2>/dev/null; cmp -s /a /b && echo "the same again"; done
echo "more: $(wc -c </b)"
"""


@boot()
def test_entropy(machine):
    """A guest gets random bytes, and goes on getting them when the back-end was killed."""
    done = guests.create(machine, "entropy", JOB, devices=[{"kind": "entropy",
                                                            "backend": "pvn-entropyd"}])
    expect(done.status == 0, done.errors)
    guests.wait_for_text(machine, "entropy", "^first")
    expect("entropy-0 pvn-entropyd" in machine.run("pvn info entropy").output, "pvn info")
    machine.run("kill -9 $(pgrep -x pvn-entropyd)")
    guests.wait_for(machine, "pvn list | grep -q 'entropy.*ended (shutdown)'")
    text = guests.console(machine, "entropy")
    zeroes = int(text.split("zeroes: ")[1].split()[0])
    expect("paravane" in text and zeroes < 64 and "more: 4096" in text, text)
    expect("the same" not in text and "killed by signal 9" in
           machine.run("cat /var/log/paravane/entropy.log").output, text)
    guests.destroy_all(machine)
