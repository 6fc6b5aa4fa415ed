from ..validation import ValidationCommand


class Command(ValidationCommand):
    help = "Accepts applied files whose upgrade section changed as they now are."
    checksums = True
    fixes = True
