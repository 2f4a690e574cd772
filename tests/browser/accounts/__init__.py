"""The browser tests of signing in, and of security keys."""
