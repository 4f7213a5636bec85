"""Where models come from and go to: references, the Hub, its cache, LoRAs, cards."""
