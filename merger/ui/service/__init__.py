"""What the panels ask of the models: answers, the strip, files, the first screen."""
