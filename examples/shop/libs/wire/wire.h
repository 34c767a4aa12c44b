/* wire: a small HTTP server for C services. One request at a time, on 127.0.0.1. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdio.h>

enum { WIRE_REQUEST_LIMIT = 64 * 1024 };

typedef struct {
    const char *method, *path, *query, *body;
    size_t body_length;
    char bytes[WIRE_REQUEST_LIMIT + 1]; /* what the pointers above point into */
} WireRequest;

typedef struct {
    int status;       /* 200 unless the handler sets another */
    const char *type; /* application/json unless the handler sets another */
    FILE *body;       /* the handler prints the answer here */
} WireReply;

typedef void WireHandler(const WireRequest *request, WireReply *reply);

/* Serves on SVC_PORT, else on `port`; 0 means any free one. Prints
 * "<service> listening on 127.0.0.1:<port>", answers /healthz by itself,
 * and returns only if it cannot serve. SIGTERM ends the process with status 0. */
int wire_run(const char *service, int port, WireHandler *handler);

/* Looks at the first `length` of `bytes`: 200 if they are a whole request (the
 * pointers are set then), 0 if more is to come, else the status to refuse it with. */
int wire_parse(WireRequest *request, size_t length);

/* Copies a parameter of a query string, percent-decoded; 0 if absent or too long. */
int wire_parameter(const char *query, const char *name, char *value, size_t size);

/* Prints text as a JSON string, with its quotes. */
void wire_json(FILE *out, const char *text);

/* Refuses a request with {"error": why}. */
void wire_refuse(WireReply *reply, int status, const char *why);

#endif
