# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's ufw, in the copies of its files that this lane has."""

from beside import GatewayTest
from lab.case import each_family


class Ufw(GatewayTest):
    def setUp(self):
        super().setUp()
        self.network.gateway.run("ufw", "--force", "reset")

    @each_family
    def test_its_range_is_closed_without_a_call(self, family):
        self.follow("ufw")
        self.assert_calls_and_nothing_else(family, range_open=True)

    @each_family
    def test_with_the_mark_it_opens_no_range(self, family):
        self.follow("ufw with the mark")
        self.assert_calls_and_nothing_else(family, range_open=False)
