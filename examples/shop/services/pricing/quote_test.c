/* Sums that an accountant checked. */
#include "quote.h"

#include <stdio.h>

static const struct {
    const char *tax_class;
    long long price, quantity, tax, gross;
} right[] = {
    {"standard", 1000, 1, 200, 1200}, {"standard", 1250, 3, 750, 4500}, {"reduced", 790, 1, 43, 833},
    {"reduced", 1000, 1, 55, 1055},   {"books", 1990, 2, 84, 4064},     {"books", 500, 1, 11, 511},
    {"exempt", 95, 10, 0, 950},       {"standard", 0, 1, 0, 0},
};

static const struct {
    const char *tax_class;
    long long price, quantity;
} refused[] = {{"luxury", 100, 1}, {"", 100, 1}, {"books", -1, 1}, {"books", 100, 0}, {"books", 100, 10001}};

int main(void) {
    int failures = 0;
    Quote got;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        if (quote(right[i].tax_class, right[i].price, right[i].quantity, &got) && got.tax == right[i].tax &&
            got.gross == right[i].gross)
            continue;
        fprintf(stderr, "FAILED: %lld x %lld %s\n", right[i].quantity, right[i].price, right[i].tax_class);
        failures++;
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (!quote(refused[i].tax_class, refused[i].price, refused[i].quantity, &got)) continue;
        fprintf(stderr, "FAILED: quoted %lld x %lld '%s'\n", refused[i].quantity, refused[i].price, refused[i].tax_class);
        failures++;
    }
    return failures != 0;
}
