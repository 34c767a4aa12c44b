/* ask PORT METHOD TARGET [BODY]: sends one request to 127.0.0.1 and prints the answer.
 *
 * For tests, which thus need no curl. Succeeds if the status is below 400. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    return connection;
}

int main(int count, char **arguments) {
    if (count != 4 && count != 5) {
        fprintf(stderr, "usage: ask PORT METHOD TARGET [BODY]\n");
        return 2;
    }
    const char *body = count == 5 ? arguments[4] : "";
    int connection = dial(arguments[1]);
    if (connection < 0) {
        perror("ask");
        return 1;
    }
    dprintf(connection, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", arguments[2],
            arguments[3], strlen(body), body);

    static char reply[256 * 1024];
    size_t length = 0;
    ssize_t got;
    while ((got = read(connection, reply + length, sizeof reply - 1 - length)) > 0) length += (size_t)got;
    close(connection);

    char *answer = strstr(reply, "\r\n\r\n");
    int status = 0;
    if (!answer || sscanf(reply, "HTTP/1.1 %d", &status) != 1) {
        fprintf(stderr, "ask: no answer\n");
        return 1;
    }
    fputs(answer + 4, stdout);
    return status < 400 ? 0 : 1;
}
