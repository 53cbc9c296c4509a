# SPDX-License-Identifier: GPL-2.0-only
"""The DKMS package of the modules builds as DKMS would build it."""

import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from machine import dkms, kernels, paths
from machine.testing import expect, seconds


@seconds(600)
def test_dkms():
    """The DKMS package builds every module that it names, with nothing but its own files."""
    kernel = kernels.find("cloud")
    with tempfile.TemporaryDirectory(dir=paths.BUILD) as folder:
        with tarfile.open(dkms.make(Path(folder) / "paravane.tar.gz")) as archive:
            archive.extractall(folder)
        tree = Path(folder) / f"paravane-{dkms.version()}" / "build"
        tree.parent.rename(Path(folder) / "source")
        tree.parent.mkdir()
        (Path(folder) / "source").rename(tree)
        conf = (tree / "dkms.conf").read_text()
        line = re.search(r'^MAKE\[0\]="(.*)"$', conf, re.MULTILINE)[1]
        script = f"kernel_source_dir={kernel.headers}\n"
        line = line.replace("${dkms_tree}/${PACKAGE_NAME}/${PACKAGE_VERSION}/build", str(tree))
        done = subprocess.run(["sh", "-ec", script + line], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        expect(done.returncode == 0, done.stdout[-3000:])
        named = re.findall(r'NAME\[\d+\]="(\w+)"\nBUILT_MODULE_LOCATION\[\d+\]="([\w-]+)/"', conf)
        expect(len(named) >= 5, conf)
        missing = [name for name, where in named if not (tree / where / f"{name}.ko").exists()]
        expect(not missing, f"not built: {missing}")
