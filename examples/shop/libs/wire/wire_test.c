/* Requests as they arrive, whole, in pieces, and wrong. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

static int failures;
static WireRequest request;

static void check(int right, const char *what) {
    if (right) return;
    fprintf(stderr, "FAILED: %s\n", what);
    failures++;
}

static int parse(const char *text) {
    strcpy(request.bytes, text);
    return wire_parse(&request, strlen(text));
}

static void reads_a_whole_request(void) {
    check(parse("POST /a/b?c=d HTTP/1.1\r\nHost: x\r\ncontent-length: 5\r\n\r\nhello") == 200, "whole request");
    check(strcmp(request.method, "POST") == 0, "method");
    check(strcmp(request.path, "/a/b") == 0, "path");
    check(strcmp(request.query, "c=d") == 0, "query");
    check(strcmp(request.body, "hello") == 0 && request.body_length == 5, "body");
    check(parse("GET / HTTP/1.1\r\n\r\n") == 200, "no headers at all");
    check(strcmp(request.query, "") == 0 && request.body_length == 0, "no query, no body");
}

static void waits_for_the_rest(void) {
    check(parse("") == 0, "nothing yet");
    check(parse("GET / HT") == 0, "half a line");
    check(parse("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell") == 0, "half a body");
}

static void refuses_nonsense(void) {
    check(parse("hello\r\n\r\n") == 400, "no target");
    check(parse("GET /\r\nA: b c\r\n\r\n") == 400, "no version");
    check(parse("GET x HTTP/1.1\r\n\r\n") == 400, "target without a slash");
    check(parse("POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n") == 400, "length in words");
    check(parse("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n") == 400, "negative length");
    check(parse("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n") == 413, "too long a body");
    memset(request.bytes, 'x', WIRE_REQUEST_LIMIT);
    check(wire_parse(&request, WIRE_REQUEST_LIMIT) == 431, "too long a head");
}

static void finds_parameters(void) {
    char value[16];
    check(wire_parameter("a=1&bb=x+%26%20y&b=", "bb", value, sizeof value), "present");
    check(strcmp(value, "x & y") == 0, "decoded");
    check(wire_parameter("bb=2&b=3", "b", value, sizeof value) && strcmp(value, "3") == 0, "whole names only");
    check(wire_parameter("b=100%", "b", value, sizeof value) && strcmp(value, "100%") == 0, "a lone percent sign");
    check(!wire_parameter("a=1", "b", value, sizeof value), "absent");
    check(!wire_parameter("a=0123456789abcdef", "a", value, sizeof value), "too long");
}

static void writes_json(void) {
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    wire_json(out, "a \"b\" \\ \n caf\xc3\xa9");
    fclose(out);
    check(strcmp(text, "\"a \\\"b\\\" \\\\ \\u000a caf\xc3\xa9\"") == 0, "escapes");
    free(text);
}

int main(void) {
    reads_a_whole_request();
    waits_for_the_rest();
    refuses_nonsense();
    finds_parameters();
    writes_json();
    return failures != 0;
}
