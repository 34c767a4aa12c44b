/* Understands requests: pure functions over bytes that somebody else has read. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of Content-Length; 0 without the header, -1 if it is no number. */
static long body_length(const char *headers) {
    static const char name[] = "\r\nContent-Length:";
    for (; headers; headers = strstr(headers + 1, "\r\n")) {
        if (strncasecmp(headers, name, sizeof name - 1) == 0) {
            char *end;
            long length = strtol(headers + sizeof name - 1, &end, 10);
            return length >= 0 && *end == '\r' ? length : -1;
        }
    }
    return 0;
}

int wire_parse(WireRequest *request, size_t length) {
    char *start = request->bytes;
    start[length] = '\0';
    char *head_end = strstr(start, "\r\n\r\n");
    if (!head_end) return length < WIRE_REQUEST_LIMIT ? 0 : 431;

    long body = body_length(strstr(start, "\r\n"));
    size_t head = (size_t)(head_end - start) + 4;
    if (body < 0) return 400;
    if ((size_t)body > WIRE_REQUEST_LIMIT - head) return 413;
    if (length < head + (size_t)body) return 0;

    char *line_end = strstr(start, "\r\n");
    char *target = memchr(start, ' ', (size_t)(line_end - start));
    if (!target) return 400;
    char *version = memchr(target + 1, ' ', (size_t)(line_end - target - 1));
    if (!version || target[1] != '/') return 400;

    *target++ = *version = '\0';
    char *query = strchr(target, '?');
    if (query) *query++ = '\0';
    request->method = start;
    request->path = target;
    request->query = query ? query : "";
    request->body = start + head;
    request->body_length = (size_t)body;
    start[head + (size_t)body] = '\0';
    return 200;
}

static int hex(char digit) {
    const char *digits = "0123456789abcdef";
    const char *found = digit ? strchr(digits, digit | 0x20) : NULL;
    return found ? (int)(found - digits) : -1;
}

int wire_parameter(const char *query, const char *name, char *value, size_t size) {
    size_t name_length = strlen(name);
    while (strncmp(query, name, name_length) != 0 || query[name_length] != '=') {
        query = strchr(query, '&');
        if (!query++) return 0;
    }
    size_t used = 0;
    for (query += name_length + 1; *query && *query != '&'; query++) {
        if (used + 1 >= size) return 0;
        char letter = *query == '+' ? ' ' : *query;
        if (letter == '%' && hex(query[1]) >= 0 && hex(query[2]) >= 0) {
            letter = (char)(hex(query[1]) * 16 + hex(query[2]));
            query += 2;
        }
        value[used++] = letter;
    }
    value[used] = '\0';
    return 1;
}
