"""The panels of the page: each holds its view, its events and their wiring."""
