/* pricing: GET /quote?class=books&price=1990&quantity=2 answers with net, tax and gross. */
#include "quote.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

/* A whole number of cents or pieces; -1 for anything else, which quote() refuses. */
static long long number(const char *query, const char *name) {
    char text[16], *end;
    if (!wire_parameter(query, name, text, sizeof text)) return -1;
    long long value = strtoll(text, &end, 10);
    return end != text && *end == '\0' ? value : -1;
}

static void answer(const WireRequest *request, WireReply *reply) {
    char tax_class[32];
    Quote line;
    if (strcmp(request->path, "/quote") != 0) {
        wire_refuse(reply, 404, "no such page");
    } else if (!wire_parameter(request->query, "class", tax_class, sizeof tax_class) ||
               !quote(tax_class, number(request->query, "price"), number(request->query, "quantity"), &line)) {
        wire_refuse(reply, 400, "a quote takes a known class, a price in cents and a quantity");
    } else {
        fprintf(reply->body, "{\"net\":%lld,\"tax\":%lld,\"gross\":%lld}\n", line.net, line.tax, line.gross);
    }
}

int main(void) {
    return wire_run("pricing", 8083, answer);
}
