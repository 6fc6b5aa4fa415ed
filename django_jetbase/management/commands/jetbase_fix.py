from ..validation import ValidationCommand


class Command(ValidationCommand):
    help = "Does what jetbase_fix_files and jetbase_fix_checksums do."
    files = True
    checksums = True
    fixes = True
