package app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MainTest {
    private static long count(String input, String... files) throws IOException {
        InputStream given = new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8));
        return Main.count(files, given);
    }

    @Test
    void itCountsItsInput() throws IOException {
        assertEquals(3, count("one two\nthree\n"));
    }

    @Test
    void itCountsFiles(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("a"), "one two");
        assertEquals(4, count("", file.toString(), file.toString()));
    }

    @Test
    void aMissingFileIsAnError() {
        assertThrows(IOException.class, () -> count("", "/nowhere/at/all"));
    }
}
