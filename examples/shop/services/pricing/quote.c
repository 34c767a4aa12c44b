/* The arithmetic. Its table of rates is made from contracts/tax.tsv by the Makefile. */
#include "quote.h"

#include <string.h>

static const struct {
    const char *name;
    long long rate; /* in hundredths of a percent */
} classes[] = {
#include "build/tax.inc"
};

enum { HIGHEST_PRICE = 100000000, HIGHEST_QUANTITY = 10000 };

int quote(const char *tax_class, long long price, long long quantity, Quote *answer) {
    if (price < 0 || price > HIGHEST_PRICE || quantity < 1 || quantity > HIGHEST_QUANTITY) return 0;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(classes[i].name, tax_class) != 0) continue;
        answer->net = price * quantity;
        answer->tax = (answer->net * classes[i].rate + 5000) / 10000; /* half a cent goes up */
        answer->gross = answer->net + answer->tax;
        return 1;
    }
    return 0;
}
