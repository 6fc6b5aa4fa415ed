from ..validation import ValidationCommand


class Command(ValidationCommand):
    help = "Reports applied files that are missing and new ones that come too late."
    files = True
