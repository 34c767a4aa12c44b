/* Listens, reads a request, lets the handler answer it, and takes the next. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Nothing is kept between requests, so there is nothing to save on the way out. */
static void stop(int signal_number) {
    (void)signal_number;
    _exit(0);
}

/* Opens a port of 127.0.0.1 and writes back which one it is. */
static int open_port(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)*port)};
    socklen_t size = sizeof address;
    int yes = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0) return -1;
    fcntl(listener, F_SETFD, FD_CLOEXEC);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        close(listener);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return listener;
}

/* Status 0 means that the client went away or was silent for too long. */
static int read_request(int connection, WireRequest *request) {
    size_t length = 0;
    int status = 0;
    while (status == 0) {
        ssize_t got = read(connection, request->bytes + length, WIRE_REQUEST_LIMIT - length);
        if (got <= 0) return 0;
        length += (size_t)got;
        status = wire_parse(request, length);
    }
    return status;
}

static void write_all(int connection, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(connection, bytes, length);
        if (written <= 0) return;
        bytes += written;
        length -= (size_t)written;
    }
}

static void answer(int connection, WireHandler *handler) {
    static WireRequest request;
    char *body = NULL;
    size_t length = 0;
    WireReply reply = {200, "application/json", open_memstream(&body, &length)};
    int status = read_request(connection, &request);
    if (!reply.body) return;
    if (status == 200 && strcmp(request.path, "/healthz") == 0) {
        reply.type = "text/plain";
        fputs("ok\n", reply.body);
    } else if (status == 200) {
        handler(&request, &reply);
    } else if (status != 0) {
        wire_refuse(&reply, status, "not a request that this server reads");
    }
    fclose(reply.body);

    if (status != 0) {
        char head[256];
        int size = snprintf(head, sizeof head,
                            "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                            "Connection: close\r\n\r\n",
                            reply.status, reply.status < 400 ? "OK" : "Refused", reply.type, length);
        write_all(connection, head, (size_t)size);
        write_all(connection, body, length);
    }
    free(body);
}

int wire_run(const char *service, int port, WireHandler *handler) {
    const struct timeval patience = {.tv_sec = 2};
    const char *wanted = getenv("SVC_PORT");
    if (wanted) port = atoi(wanted);

    int listener = open_port(&port);
    if (listener < 0) {
        fprintf(stderr, "%s: cannot listen on port %d: %s\n", service, port, strerror(errno));
        return 1;
    }
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN);
    printf("%s listening on 127.0.0.1:%d\n", service, port);
    fflush(stdout);

    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            perror("accept");
            return 1;
        }
        fcntl(connection, F_SETFD, FD_CLOEXEC);
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        answer(connection, handler);
        close(connection);
    }
}
