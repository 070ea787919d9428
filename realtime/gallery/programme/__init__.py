"""What hangs when: the schedule, the opening hours, and the front-end that hangs it."""
