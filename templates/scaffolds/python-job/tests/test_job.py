import contextlib
import io
import os
import tempfile
import unittest

from job.__main__ import main


class Job(unittest.TestCase):
    def said(self, files, given="", code=0) -> str:
        out = io.StringIO()
        self.assertEqual(main(files, io.StringIO(given), out), code)
        return out.getvalue()

    def test_it_counts_its_input(self) -> None:
        self.assertEqual(self.said([], "one two\nthree\n"), "3 words\n")

    def test_it_counts_files(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            name = os.path.join(directory, "a")
            with open(name, "w", encoding="utf-8") as file:
                file.write("one two")
            self.assertEqual(self.said([name, name]), "4 words\n")

    def test_a_missing_file_is_an_error(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(self.said(["/nowhere/at/all"], code=1), "")
        self.assertIn("/nowhere/at/all", errors.getvalue())


if __name__ == "__main__":
    unittest.main()
