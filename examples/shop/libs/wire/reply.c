/* Writes answers. */
#include "wire.h"

void wire_json(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        unsigned char letter = (unsigned char)*text;
        if (letter == '"' || letter == '\\') {
            fprintf(out, "\\%c", letter);
        } else if (letter < 0x20) {
            fprintf(out, "\\u%04x", letter);
        } else {
            fputc(letter, out);
        }
    }
    fputc('"', out);
}

void wire_refuse(WireReply *reply, int status, const char *why) {
    reply->status = status;
    fputs("{\"error\":", reply->body);
    wire_json(reply->body, why);
    fputs("}\n", reply->body);
}
