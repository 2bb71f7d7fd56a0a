/*
 * Load for a server of chat completions on 127.0.0.1, in one thread: --connections at once, each used again for the
 * next call, --total calls in all. Every answer is parsed and checked: its status, its framing (Content-Length or
 * chunks), and that a stream ended with [DONE], or that a plain answer has "choices".
 *
 * Prints one line of JSON: calls, errors, events (lines that begin with "data: "), bytes (received, with heads),
 * seconds, and the 50th and 99th percentile of a call's microseconds. Status 1 if anything went wrong.
 * With --hold every connection makes one stream, and {"open": C} is printed once all have had their first event.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_ROOM = 8192,   /* The longest head of an answer. */
    LINE_ROOM = 16,     /* Of each line of a body, what is looked at. */
    INPUT = 262144,     /* The most that one read takes. */
    READY = 512,        /* Sockets that one wait reports. */
    CONNECTING = 64,    /* Connections being made at once: fewer than any server's backlog. */
    PATIENCE_MS = 30000, /* Silence on all connections after which the run has failed. */
    COMPLAINTS = 5,
};

enum phase { CONNECT, SEND, HEAD, LENGTH, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER, IDLE };

struct connection {
    int fd;
    enum phase phase;
    bool watches_room; /* EPOLLOUT is asked for. */
    bool close_after;
    bool bad;          /* The answer isn't what it should be. */
    bool size_begun;   /* A digit of the chunk's size was seen, */
    bool size_over;    /* and the end of the digits. */
    bool has_choices;
    bool done;         /* The last line that isn't empty was [DONE]. */
    unsigned status;
    unsigned events;
    size_t sent;
    uint64_t begun;    /* When the call was, in microseconds. */
    uint64_t left;     /* Bytes of the body or of its chunk still to come. */
    uint64_t body;     /* Bytes of the body so far. */
    unsigned head_size;
    unsigned line_size; /* Of the current line, capped at LINE_ROOM + 1. */
    char line[LINE_ROOM];
    char head[HEAD_ROOM + 1]; /* The head; then, of a plain answer, the beginning of its body. */
};

static struct {
    const char *path, *key, *mode;
    long port, connections, total;
    bool hold, stream;
} options = {.path = "/v1/chat/completions", .key = "", .mode = "plain", .connections = 1, .total = 1};

static int poller;
static char *request;
static size_t request_size;
static long begun, ended, errors, opened, connecting, first_seen;
static uint64_t all_events, all_bytes;
static uint32_t *latencies;
static long latency_count;
static struct connection *connections;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *must(void *memory) {
    if (memory == NULL)
        fail("memory");
    return memory;
}

static uint64_t microseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...) {
    static int count;
    if (count++ >= COMPLAINTS)
        return;
    va_list values;
    va_start(values, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
}

/* The calls. */

static void make_request(void) {
    char *body, *whole;
    const char *more = options.stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "";
    int body_size = asprintf(&body,
                             "{\"model\":\"bench\",\"messages\":[{\"role\":\"system\",\"content\":\"You are brief.\"},"
                             "{\"role\":\"user\",\"content\":\"What is the capital of France, and how many people live "
                             "there? Answer in one sentence.\"}],\"temperature\":0.7%s}",
                             more);
    int size = asprintf(&whole,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%ld\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/json\r\nAccept: %s\r\nUser-Agent: load\r\n"
                        "Content-Length: %d\r\n\r\n%s",
                        options.path, options.port, options.key,
                        options.stream ? "text/event-stream" : "application/json", body_size, body);
    if (body_size < 0 || size < 0)
        fail("asprintf");
    free(body);
    request = whole;
    request_size = (size_t)size;
}

static void watch(struct connection *one, bool room) {
    if (one->watches_room == room)
        return;
    struct epoll_event interest = {.events = EPOLLIN | (room ? EPOLLOUT : 0U), .data.ptr = one};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, one->fd, &interest) < 0)
        fail("epoll_ctl");
    one->watches_room = room;
}

static void begin_call(struct connection *one);

static void give_up(struct connection *one) {
    close(one->fd);
    one->fd = -1;
    one->phase = IDLE;
}

static void open_connection(struct connection *one) {
    one->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (one->fd < 0)
        fail("socket");
    int on = 1;
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(one->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        fail("connect");
    struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT, .data.ptr = one};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, one->fd, &interest) < 0)
        fail("epoll_ctl");
    one->phase = CONNECT;
    one->watches_room = true;
    connecting++;
}

static void open_more(void) {
    while (opened < options.connections && connecting < CONNECTING)
        open_connection(&connections[opened++]);
}

static void send_some(struct connection *one) {
    ssize_t size = send(one->fd, request + one->sent, request_size - one->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return; /* The read that follows tells what happened. */
    if (size > 0)
        one->sent += (size_t)size;
    if (one->sent == request_size)
        one->phase = HEAD;
    watch(one, one->phase == SEND);
}

static void begin_call(struct connection *one) {
    if (begun == options.total) {
        give_up(one);
        return;
    }
    begun++;
    one->phase = SEND;
    one->close_after = one->bad = one->has_choices = one->done = false;
    one->events = one->head_size = one->line_size = 0;
    one->sent = 0;
    one->body = 0;
    one->begun = microseconds();
    send_some(one);
}

/* What every call ends with. Returns whether its connection is usable on. */
static bool end_call(struct connection *one, const char *broken) {
    ended++;
    if (latency_count < options.total)
        latencies[latency_count++] = (uint32_t)(microseconds() - one->begun);
    const char *wrong = broken;
    if (wrong == NULL && one->status != 200)
        wrong = "the status isn't 200";
    else if (wrong == NULL && options.stream && !(one->done && one->events > 1))
        wrong = "the stream doesn't end with [DONE]";
    else if (wrong == NULL && !options.stream && !one->has_choices)
        wrong = "the answer has no \"choices\"";
    if (wrong != NULL) {
        errors++;
        complain("call %ld: %s (status %u, %u events, %llu bytes of body)", ended, wrong, one->status, one->events,
                 (unsigned long long)one->body);
    }
    bool goes_on = broken == NULL && !one->close_after;
    if (!goes_on) {
        give_up(one);
        if (begun < options.total)
            open_connection(one);
        return false;
    }
    begin_call(one);
    return one->fd >= 0;
}

/* The answers. */

static void look_at_line(struct connection *one) {
    static const char done[] = "data: [DONE]";
    unsigned size = one->line_size;
    one->line_size = 0;
    if (size > 0 && size <= LINE_ROOM && one->line[size - 1] == '\r')
        size--;
    if (size == 0)
        return;
    one->done = size == sizeof done - 1 && memcmp(one->line, done, size) == 0;
    if (size < 6 || memcmp(one->line, "data: ", 6) != 0)
        return;
    all_events++;
    if (one->events++ == 0 && options.hold && ++first_seen == options.connections) {
        printf("{\"open\": %ld}\n", options.connections);
        fflush(stdout);
    }
}

static void add_to_line(struct connection *one, const char *data, size_t size) {
    if (one->line_size < LINE_ROOM) {
        size_t room = LINE_ROOM - one->line_size;
        memcpy(one->line + one->line_size, data, size < room ? size : room);
    }
    one->line_size = size > LINE_ROOM || one->line_size + size > LINE_ROOM ? LINE_ROOM + 1
                                                                           : one->line_size + (unsigned)size;
}

static void take_body(struct connection *one, const char *data, size_t size) {
    one->body += size;
    if (!options.stream) {
        size_t room = HEAD_ROOM - one->head_size;
        size_t kept = size < room ? size : room;
        memcpy(one->head + one->head_size, data, kept);
        one->head_size += (unsigned)kept;
        return;
    }
    while (size > 0) {
        const char *end = memchr(data, '\n', size);
        size_t piece = end == NULL ? size : (size_t)(end - data);
        if (piece > 0)
            add_to_line(one, data, piece);
        if (end == NULL)
            return;
        look_at_line(one);
        data += piece + 1;
        size -= piece + 1;
    }
}

/* The value of a header in an answer's head, which is a string. `name` begins with "\n" and has the colon. */
static const char *header(const char *head, const char *name) {
    const char *found = strcasestr(head, name);
    if (found == NULL)
        return NULL;
    found += strlen(name);
    return found + strspn(found, " \t");
}

/* A head is whole. Returns what is wrong with it, or NULL. */
static const char *begin_body(struct connection *one) {
    if (strncmp(one->head, "HTTP/1.1 ", 9) != 0)
        return "the answer isn't HTTP/1.1";
    one->status = (unsigned)strtoul(one->head + 9, NULL, 10);
    const char *length = header(one->head, "\nContent-Length:"), *coding = header(one->head, "\nTransfer-Encoding:");
    const char *connection = header(one->head, "\nConnection:");
    one->close_after = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    one->head_size = 0;
    one->size_begun = one->size_over = false;
    one->left = 0;
    if (coding != NULL && length == NULL && strncasecmp(coding, "chunked", 7) == 0) {
        one->phase = CHUNK_SIZE;
    } else if (coding == NULL && length != NULL) {
        one->phase = LENGTH;
        one->left = strtoull(length, NULL, 10);
    } else {
        return "the answer has neither Content-Length nor chunks, or both";
    }
    return NULL;
}

/* Take a byte of the line with a chunk's size. Returns whether the line is over. */
static bool take_size(struct connection *one, char c) {
    static const char digits[] = "0123456789abcdef";
    if (c == '\n') {
        one->bad = one->bad || !one->size_begun;
        return true;
    }
    char lower = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
    const char *digit = c == '\0' ? NULL : strchr(digits, lower);
    if (digit == NULL || one->size_over) {
        one->size_over = true;
        one->bad = one->bad || !one->size_begun;
    } else {
        one->left = one->left * 16 + (uint64_t)(digit - digits);
        one->size_begun = true;
    }
    return false;
}

static size_t take_head(struct connection *one, const char *data, size_t size) {
    size_t room = HEAD_ROOM - one->head_size;
    size_t piece = size < room ? size : room;
    unsigned before = one->head_size;
    memcpy(one->head + before, data, piece);
    one->head[before + piece] = '\0';
    char *end = memmem(one->head + (before > 3 ? before - 3 : 0), piece + (before > 3 ? 3 : before), "\r\n\r\n", 4);
    if (end == NULL) {
        one->head_size += (unsigned)piece;
        one->bad = one->head_size == HEAD_ROOM;
        return piece;
    }
    end[2] = '\0';
    size_t used = (size_t)(end + 4 - one->head) - before;
    const char *wrong = begin_body(one);
    if (wrong != NULL) {
        complain("%s", wrong);
        one->bad = true;
    }
    return used;
}

/* Whether the answer is over. Looks for "choices" in a plain one. */
static bool over(struct connection *one) {
    if (one->phase == LENGTH && one->left > 0)
        return false;
    if (one->phase != LENGTH && one->phase != IDLE)
        return false;
    if (!options.stream)
        one->has_choices = memmem(one->head, one->head_size, "\"choices\"", 9) != NULL;
    return true;
}

/* Take a piece of what the current phase expects. Returns how much that was. */
static size_t take_piece(struct connection *one, const char *data, size_t size) {
    size_t piece = size < one->left ? size : (size_t)one->left;
    switch (one->phase) {
    case HEAD:
        return take_head(one, data, size);
    case LENGTH:
    case CHUNK:
        take_body(one, data, piece);
        one->left -= piece;
        if (one->phase == CHUNK && one->left == 0)
            one->phase = CHUNK_END;
        return piece;
    case CHUNK_SIZE:
        if (take_size(one, *data)) {
            one->phase = one->left > 0 ? CHUNK : TRAILER;
            one->line_size = one->left > 0 ? one->line_size : 0;
        }
        return 1;
    case CHUNK_END: /* \r\n */
        one->bad = one->bad || (*data != '\r' && *data != '\n');
        if (*data == '\n') {
            one->phase = CHUNK_SIZE;
            one->size_begun = one->size_over = false;
        }
        return 1;
    case TRAILER: /* Lines until an empty one. */
        if (*data == '\n' && one->line_size == 0)
            one->phase = IDLE;
        else if (*data == '\n')
            one->line_size = 0;
        else if (*data != '\r')
            one->line_size = 1;
        return 1;
    default:
        one->bad = true;
        return size;
    }
}

static void take_input(struct connection *one, const char *data, size_t size) {
    while (size > 0) {
        size_t piece = take_piece(one, data, size);
        data += piece;
        size -= piece;
        if (one->bad || (size > 0 && over(one))) {
            end_call(one, one->bad ? "the answer can't be parsed" : "bytes follow the answer");
            return;
        }
        if (over(one)) {
            end_call(one, NULL);
            return;
        }
    }
}

static void read_some(struct connection *one) {
    static char input[INPUT];
    ssize_t size = recv(one->fd, input, sizeof input, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (size <= 0) {
        one->status = one->phase <= HEAD ? 0 : one->status;
        end_call(one, size == 0 ? "the connection was closed" : strerror(errno));
        return;
    }
    all_bytes += (uint64_t)size;
    take_input(one, input, (size_t)size);
}

static void finish_connecting(struct connection *one) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(one->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        fprintf(stderr, "load: can't connect: %s\n", strerror(error));
        exit(1);
    }
    connecting--;
    begin_call(one);
    open_more();
}

static void serve(struct connection *one, uint32_t what) {
    if (one->fd < 0)
        return;
    if (one->phase == CONNECT) {
        finish_connecting(one);
        return;
    }
    if ((what & EPOLLOUT) && one->phase == SEND)
        send_some(one);
    if (what & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(one);
}

/* The run. */

static int by_size(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t percentile(long hundredths) {
    return latency_count == 0 ? 0 : latencies[(latency_count - 1) * hundredths / 100];
}

static void report(uint64_t duration) {
    qsort(latencies, (size_t)latency_count, sizeof *latencies, by_size);
    printf("{\"calls\": %ld, \"errors\": %ld, \"events\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"p50_us\": %u, "
           "\"p99_us\": %u}\n",
           ended, errors, (unsigned long long)all_events, (unsigned long long)all_bytes, (double)duration / 1e6,
           percentile(50), percentile(99));
}

static long number(const char *word) {
    char *end;
    long value = strtol(word, &end, 10);
    if (*end != '\0' || value < 1 || value > 1000000000) {
        fprintf(stderr, "load: %s is no number that can be used\n", word);
        exit(2);
    }
    return value;
}

static void take_options(int count, char **words) {
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : NULL;
        if (strcmp(words[i], "--hold") == 0) {
            options.hold = true;
            continue;
        }
        if (value == NULL)
            goto usage;
        if (strcmp(words[i], "--port") == 0)
            options.port = number(value);
        else if (strcmp(words[i], "--connections") == 0)
            options.connections = number(value);
        else if (strcmp(words[i], "--total") == 0)
            options.total = number(value);
        else if (strcmp(words[i], "--path") == 0)
            options.path = value;
        else if (strcmp(words[i], "--key") == 0)
            options.key = value;
        else if (strcmp(words[i], "--mode") == 0)
            options.mode = value;
        else
            goto usage;
        i++;
    }
    options.stream = options.hold || strcmp(options.mode, "stream") == 0;
    if (options.port == 0 || (!options.stream && strcmp(options.mode, "plain") != 0))
        goto usage;
    if (options.hold)
        options.total = options.connections;
    if (options.connections > options.total)
        options.connections = options.total;
    return;
usage:
    fprintf(stderr, "usage: load --port P [--path PATH] [--key KEY] [--mode plain|stream] [--connections C] "
                    "[--total N] [--hold]\n");
    exit(2);
}

static void begin(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    make_request();
    latencies = must(calloc((size_t)options.total, sizeof *latencies));
    connections = must(calloc((size_t)options.connections, sizeof *connections));
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        fail("epoll_create1");
}

int main(int count, char **words) {
    take_options(count, words);
    begin();
    uint64_t start = microseconds();
    open_more();
    while (ended < options.total) {
        struct epoll_event ready[READY];
        int found = epoll_wait(poller, ready, READY, PATIENCE_MS);
        if (found < 0 && errno != EINTR)
            fail("epoll_wait");
        if (found == 0) {
            complain("silence for %d seconds: %ld calls unfinished", PATIENCE_MS / 1000, begun - ended);
            errors += begun - ended;
            break;
        }
        for (int i = 0; i < found; i++)
            serve(ready[i].data.ptr, ready[i].events);
    }
    report(microseconds() - start);
    return errors > 0;
}
