from ..validation import ValidationCommand


class Command(ValidationCommand):
    help = "Lets the history forget applied files that are missing."
    files = True
    fixes = True
