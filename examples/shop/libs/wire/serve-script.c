/* serve-script SERVICE PORT SCRIPT: a server that answers each request by running a script.
 *
 * The script sees REQUEST_METHOD, PATH_INFO and QUERY_STRING, reads the body from its
 * standard input, and prints the answer. Status 0 is a 200, 2 a 400, another a 500. */
#include "wire.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *script;

static void become_script(const WireRequest *request, int input, int output) {
    setenv("REQUEST_METHOD", request->method, 1);
    setenv("PATH_INFO", request->path, 1);
    setenv("QUERY_STRING", request->query, 1);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execl(script, script, (char *)NULL);
    perror(script);
    _exit(127);
}

static int status_of(pid_t child) {
    int ended;
    if (waitpid(child, &ended, 0) < 0 || !WIFEXITED(ended)) return 500;
    switch (WEXITSTATUS(ended)) {
    case 0: return 200;
    case 2: return 400;
    default: return 500;
    }
}

static void run_script(const WireRequest *request, WireReply *reply) {
    /* The body goes through a file: a pipe could fill up while the script is printing. */
    FILE *input = tmpfile();
    int output[2];
    char bytes[4096];
    ssize_t got;
    reply->type = "text/plain; charset=utf-8";
    if (!input || pipe(output) != 0) {
        reply->status = 500;
        if (input) fclose(input);
        return;
    }
    fwrite(request->body, 1, request->body_length, input);
    rewind(input);

    pid_t child = fork();
    if (child == 0) {
        close(output[0]);
        become_script(request, fileno(input), output[1]);
    }
    close(output[1]);
    while ((got = read(output[0], bytes, sizeof bytes)) > 0) fwrite(bytes, 1, (size_t)got, reply->body);
    close(output[0]);
    fclose(input);
    reply->status = status_of(child);
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: serve-script SERVICE PORT SCRIPT\n");
        return 2;
    }
    script = arguments[3];
    return wire_run(arguments[1], atoi(arguments[2]), run_script);
}
