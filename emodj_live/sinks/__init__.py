"""Where emotions go: each sink is a callable that takes an `Emotion`."""
