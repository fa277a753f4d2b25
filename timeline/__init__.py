"""An event-sourced record of partnerships: what was in force on a day, in whose words, and what was known then."""
