"""What a run tells Django's other apps, as it happens.

The sender is the class `Migrator`. Every receiver gets `migration`, a file or a row of the history
(with `path`, `version`, `kind` and `description`), and `using`, the alias. A receiver that raises
is logged by Django and stops nothing. Nothing is sent for what is recorded without being run, but
`migration_applied` and `migration_rolled_back`, whose `done.origin` tells.
"""

from django.dispatch import Signal

migration_started = Signal()  # also: direction
migration_applied = Signal()  # also: done, a `Done` with `duration` in seconds and `statements`
migration_rolled_back = Signal()  # also: done
migration_failed = Signal()  # also: direction and error
