"""The machine: console, signals, Video4Linux, a watchdog."""
