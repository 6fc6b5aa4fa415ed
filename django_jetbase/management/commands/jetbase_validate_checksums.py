from ..validation import ValidationCommand


class Command(ValidationCommand):
    help = "Reports applied files whose upgrade section changed; with --fix accepts them."
    checksums = True
