# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian releases, the package built for them, and a virtual machine that runs them."""
