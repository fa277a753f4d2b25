"""The pure heart: no database, no network, no clock, no library beyond the language's own."""
