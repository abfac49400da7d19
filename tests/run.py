# SPDX-License-Identifier: MIT
"""run.py - `make test`: host tests, then guest tests, and one line at the end that sums both up

Idea        one machine more than there are processors runs at a time (pytest-xdist), since some guests sleep; the cases
            of one boot stay together (xdist_group), and what takes longest begins first (conftest.py).
Follow      from Makefile (test)   to tests/host/build.mk, and the modules of MODULES
"""
import os
import re
import subprocess
import sys

import pytest

from machine import ROOT

MODULES = ["test_abi.py", "guest/test_guest.py", "guest/test_terminal.py", "guest/test_oom.py",
           "guest/test_failnth.py", "guest/test_soak.py", "guest/test_tide.py", "guest/test_demo.py",
           "report/test_stream.py", "report/test_report.py"]
CPUS = os.cpu_count() or 1


class Count:
    """A pytest plug-in that counts verdicts, whatever way a case fails."""

    def __init__(self):
        self.passed = self.failed = 0

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.passed += 1
        elif report.failed:
            self.failed += 1

    def pytest_collectreport(self, report):
        self.failed += report.failed


def host_tests():
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    make = subprocess.run(["make", f"-j{CPUS}", "--no-print-directory", "test-host"], cwd=ROOT, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    summary = re.search(r"host: (\d+) cases passed in \d+ programs, (\d+) programs failed", make.stdout)
    if make.returncode or not summary:
        print(make.stdout)
    if not summary:
        return 0, 1
    print(summary[0], flush=True)
    return int(summary[1]), int(summary[2])


def main():
    host_passed, host_failed = host_tests()
    count = Count()
    status = pytest.main(["-q", "-n", str(CPUS + 1), "--dist", "loadgroup", "-p", "no:cacheprovider", "--tb=short",
                          f"--rootdir={ROOT}/tests", *(f"{ROOT}/tests/{m}" for m in MODULES)], plugins=[count])
    broken = status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    passed, failed = host_passed + count.passed, host_failed + count.failed + broken
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


sys.exit(main())
