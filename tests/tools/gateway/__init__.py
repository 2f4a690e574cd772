"""Telephones and trunks in other programs, on loopback, for the tests of the gateways: sipp and baresip."""
