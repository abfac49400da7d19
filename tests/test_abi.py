# SPDX-License-Identifier: MIT
"""test_abi.py - docs/abi.md says what the tables of system calls say, and these do not contradict one another

Follow      from tests/run.py   to abi.py; tests/guest/abi.c asks the kernel itself
"""
import abi


def test_tables():
    assert not list(abi.contradictions(*abi.tables()))


def test_document():
    assert abi.DOCUMENT.read_text() == abi.document(), "run: make docs"
