/* What a line of an order costs, with tax. All amounts are whole cents. */
#ifndef QUOTE_H
#define QUOTE_H

typedef struct {
    long long net, tax, gross;
} Quote;

/* 0 if there is no such tax class, or if price or quantity is out of bounds. */
int quote(const char *tax_class, long long price, long long quantity, Quote *answer);

#endif
