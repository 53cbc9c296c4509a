# SPDX-License-Identifier: GPL-2.0-only
"""The store daemon in the whole machine: killed and replaced while guests and programs use it."""

from machine.testing import boot, expect, seconds
from system import guests

# Kills the server after every write; each must be there from the next server, and the
# one who watches from beginning to end must hear of every one.
KILL_LOOP = """
export XENSTORED_PATH=/run/paravane/store/socket
keeper=$(cat /run/paravane/store/pvn-stored.pid)
xenstore-watch -n $((KILLS + 1)) /load >/tmp/watched &
watcher=$!
until [ -s /tmp/watched ]; do sleep 0.1; done
i=0
while [ $i -lt KILLS ]; do
    i=$((i + 1))
    xenstore-write /load/$i $i || exit 11
    server=$(cat /proc/$keeper/task/$keeper/children)
    kill -9 $server || exit 12
    [ "$(xenstore-read /load/$i)" = $i ] || exit 13
done
[ "$(xenstore-list /load | wc -l)" = KILLS ] || exit 14
wait $watcher || exit 15
[ "$(sort -u /tmp/watched | wc -l)" = $((KILLS + 1)) ] || exit 16
[ "$(cat /run/paravane/store/pvn-stored.pid)" = $keeper ] || exit 17
"""


@boot()
@seconds(300)
def test_killed(machine):
    """The store's server is killed 100 times; a guest and a watcher stay connected."""
    guests.create(machine, "held", "echo up; sleep 1000")
    guests.wait_for_text(machine, "held", "up")
    done = machine.run(KILL_LOOP.replace("KILLS", "100"), timeout=200)
    expect(done.status == 0, f"status {done.status}\n{done.output}{done.errors}")
    _still_served(machine, "held")


@boot()
@seconds(200)
def test_replaced(machine):
    """Killing the keeper, SIGHUP and live-update leave guests connected, too."""
    guests.create(machine, "stays", "echo up; sleep 1000")
    guests.wait_for_text(machine, "stays", "up")
    pid = "$(cat /run/paravane/store/pvn-stored.pid)"
    machine.run(f"echo {pid} >/tmp/old; kill -9 {pid}")
    guests.wait_for(machine, f'[ "{pid}" != "$(cat /tmp/old)" ]')
    server = f"cat /proc/{pid}/task/{pid}/children"
    machine.run(f"{server} >/tmp/old; kill -HUP {pid}")
    guests.wait_for(machine, f'[ -n "$({server})" ] && [ "$({server})" != "$(cat /tmp/old)" ]')
    _still_served(machine, "stays")


def _still_served(machine, name):
    """The guest hears through its page that it shall shut down; another one can start."""
    expect(machine.run("pvn shutdown " + name).status == 0, "pvn shutdown fails")
    guests.wait_for(machine, f"pvn list | grep -q '{name}.*ended (shutdown)'")
    guests.create(machine, "next", "true", wait=True)
    expect(guests.state(machine, "next") == "ended (shutdown)", guests.state(machine, "next"))
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()), left)


@boot()
def test_files(machine):
    """pvnfs shows the store, the hypervisor and guests as files."""
    guests.create(machine, "filed", "echo up; sleep 1000")
    guests.wait_for_text(machine, "filed", "up")
    done = machine.run("mkdir -p /tmp/files && pvnfs /tmp/files && cd /tmp/files && "
                       "cat guests/filed/state hypervisor/census/root/partitions && "
                       "domid=$(cat guests/filed/id) && "
                       "cat store/local/domain/$domid/name && "
                       "echo poweroff >store/local/domain/$domid/control/shutdown")
    expect(done.status == 0, done.errors)
    expect(done.output.split() == ["running", "1", "filed"], done.output)
    guests.wait_for(machine, "pvn list | grep -q 'filed.*ended (shutdown)'")
    expect(machine.run("cd /; umount /tmp/files && ! pidof pvnfs").status == 0, "it still runs")
    guests.destroy_all(machine)
