# SPDX-License-Identifier: MIT
"""conftest.py - lets every test module import tests/machine.py, and shows the console when a case fails"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
