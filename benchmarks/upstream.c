/*
 * A stand-in for a provider of language models: an HTTP/1.1 server on 127.0.0.1, one thread, made so cheap that it is
 * never what limits a measurement.
 *
 * A POST whose body has "stream": true gets a stream of server-sent events, each an HTTP chunk of its own: --events
 * deltas, then the finish, the usage and [DONE]. Other POSTs get one completion of about 600 bytes. Everything else
 * gets an empty list of models.
 *
 * A stream is never built in memory: it is the fixed head, the same event over and over, and the fixed tail. All that a
 * connection keeps is how far into that sequence it has written, and how far it may write now.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    INPUT = 16384,       /* Bytes of a connection's input that are held: the longest head of a request. */
    READY = 512,         /* Sockets that one wait reports. */
    BACKLOG = 4096,
    LARGEST_EVENT = 60000,
};

#define NANOSECONDS 1000000000ULL

static const char STREAM_HEAD[] = "HTTP/1.1 200 OK\r\n"
                                  "Content-Type: text/event-stream\r\n"
                                  "Cache-Control: no-cache\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n";
static const char NO_MODELS[] = "HTTP/1.1 200 OK\r\n"
                                "Content-Type: application/json\r\n"
                                "Content-Length: 27\r\n\r\n"
                                "{\"object\":\"list\",\"data\":[]}";
static const char REFUSED[] = "HTTP/1.1 400 Bad Request\r\n"
                              "Content-Type: text/plain\r\n"
                              "Content-Length: 12\r\n"
                              "Connection: close\r\n\r\n"
                              "not for me.\n";

enum phase { HEAD, BODY, ANSWER };

struct connection {
    int fd;
    enum phase phase;
    bool post;
    bool wants_stream;
    bool close_after;
    bool waits_for_room; /* EPOLLOUT is asked for. */
    unsigned matched;    /* Of the search for "stream": true, see look_for_stream. */
    uint64_t body_left;
    const char *fixed; /* The whole answer, where it isn't a stream. */
    uint64_t written;  /* Bytes of the answer written so far, */
    uint64_t allowed;  /* those that may be written now, */
    uint64_t total;    /* and all of them. */
    unsigned released; /* Events that the clock let go. */
    uint64_t due;      /* When the next one is let go, in nanoseconds. */
    int heap_at;       /* Its place in the heap; -1: in none. */
    struct connection *next_dead;
    unsigned input_size;
    char input[INPUT];
};

static struct {
    long port, events, interval_us, event_bytes;
    long burst; /* Events in one write where they aren't paced. */
} options = {.port = 0, .events = 100, .interval_us = 0, .event_bytes = 200, .burst = 1};

static int poller, listener, timer;
static char *plain_answer, *event, *burst, *tail;
static size_t plain_size, event_size, tail_size;
static unsigned long streams_begun;
static struct connection *dead; /* Freed after the round, as it may still be among what the wait reported. */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *must(void *memory) {
    if (memory == NULL)
        fail("memory");
    return memory;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

/* The heap of paced streams: the one that is due first is on top. */

static struct connection **heap;
static int heap_count, heap_room;
static uint64_t timer_at; /* What the timer is set to; 0: nothing. */

static void place(struct connection *one, int at) {
    heap[at] = one;
    one->heap_at = at;
}

static void rise(struct connection *one, int at) {
    while (at > 0 && heap[(at - 1) / 2]->due > one->due) {
        place(heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    place(one, at);
}

static void sink(struct connection *one, int at) {
    for (;;) {
        int child = 2 * at + 1;
        if (child >= heap_count)
            break;
        if (child + 1 < heap_count && heap[child + 1]->due < heap[child]->due)
            child++;
        if (heap[child]->due >= one->due)
            break;
        place(heap[child], at);
        at = child;
    }
    place(one, at);
}

static void heap_add(struct connection *one) {
    if (heap_count == heap_room) {
        heap_room = heap_room == 0 ? 1024 : heap_room * 2;
        heap = must(realloc(heap, (size_t)heap_room * sizeof *heap));
    }
    rise(one, heap_count++);
}

static void heap_remove(struct connection *one) {
    int at = one->heap_at;
    one->heap_at = -1;
    struct connection *last = heap[--heap_count];
    if (last == one)
        return;
    sink(last, at);
    rise(last, last->heap_at);
}

static void set_timer(void) {
    uint64_t at = heap_count == 0 ? 0 : heap[0]->due;
    if (at == timer_at)
        return;
    timer_at = at;
    struct itimerspec setting = {
        .it_value = {.tv_sec = (time_t)(at / NANOSECONDS), .tv_nsec = (long)(at % NANOSECONDS)},
    };
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL) < 0)
        fail("timerfd_settime");
}

/* What is answered. */

static char *text(size_t *size, const char *format, ...) __attribute__((format(printf, 2, 3)));

static char *text(size_t *size, const char *format, ...) {
    char *made;
    va_list values;
    va_start(values, format);
    int length = vasprintf(&made, format, values);
    va_end(values);
    if (length < 0)
        fail("vasprintf");
    *size = (size_t)length;
    return made;
}

static char *chunk(size_t *size, const char *data) {
    return text(size, "%zx\r\n%s\r\n", strlen(data), data);
}

#define DELTA                                                                                                          \
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","             \
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%.*s\"},\"finish_reason\":null}]}\n\n"

static void make_event(void) {
    static char filling[LARGEST_EVENT];
    memset(filling, 'x', sizeof filling);
    size_t bare, unused;
    free(text(&bare, DELTA, 0, filling));
    if (options.event_bytes < (long)bare + 1 || options.event_bytes > LARGEST_EVENT) {
        fprintf(stderr, "--event-bytes must be %zu to %d\n", bare + 1, LARGEST_EVENT);
        exit(2);
    }
    char *data = text(&unused, DELTA, (int)(options.event_bytes - (long)bare), filling);
    event = chunk(&event_size, data);
    free(data);
    burst = must(malloc(event_size * (size_t)options.burst));
    for (long i = 0; i < options.burst; i++)
        memcpy(burst + (size_t)i * event_size, event, event_size);
}

static void make_tail(void) {
    size_t unused;
    char *usage = text(&unused,
                       "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                       "\"model\":\"bench\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":%ld,"
                       "\"total_tokens\":%ld}}\n\n",
                       options.events, options.events + 12);
    char *stop = chunk(&unused, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                                "\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{},"
                                "\"finish_reason\":\"stop\"}]}\n\n");
    char *count = chunk(&unused, usage);
    char *done = chunk(&unused, "data: [DONE]\n\n");
    tail = text(&tail_size, "%s%s%s0\r\n\r\n", stop, count, done);
    free(usage);
    free(stop);
    free(count);
    free(done);
}

static void make_plain(void) {
    char content[321];
    memset(content, 'y', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    size_t size;
    char *body = text(&size,
                      "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,"
                      "\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                      "\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
                      "\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":40,\"total_tokens\":52}}",
                      content);
    plain_answer = text(&plain_size,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", size,
                        body);
    free(body);
}

/* Connections. */

static void drop(struct connection *one) {
    if (one->fd < 0)
        return;
    if (one->heap_at >= 0)
        heap_remove(one);
    close(one->fd);
    one->fd = -1;
    one->next_dead = dead;
    dead = one;
}

static void bury(void) {
    while (dead != NULL) {
        struct connection *next = dead->next_dead;
        free(dead);
        dead = next;
    }
}

static void watch(struct connection *one, bool room) {
    if (one->waits_for_room == room)
        return;
    struct epoll_event interest = {.events = EPOLLIN | (room ? EPOLLOUT : 0U), .data.ptr = one};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, one->fd, &interest) < 0)
        fail("epoll_ctl");
    one->waits_for_room = room;
}

static void add_piece(struct iovec *pieces, int *count, const char *base, size_t size) {
    if (size > 0)
        pieces[(*count)++] = (struct iovec){.iov_base = (void *)(uintptr_t)base, .iov_len = size};
}

/* Put together what comes next, from `written` on: never more than `allowed`, and at most options.burst events. */
static int next_pieces(const struct connection *one, struct iovec pieces[3]) {
    int count = 0;
    uint64_t at = one->written, end = one->allowed;
    if (one->fixed != NULL) {
        add_piece(pieces, &count, one->fixed + at, end - at);
        return count;
    }
    const uint64_t head_end = sizeof STREAM_HEAD - 1;
    const uint64_t events_end = head_end + (uint64_t)options.events * event_size;
    if (at < head_end) {
        add_piece(pieces, &count, STREAM_HEAD + at, head_end - at);
        at = head_end;
    }
    if (at < events_end && at < end) {
        uint64_t within = (at - head_end) % event_size;
        uint64_t size = (uint64_t)options.burst * event_size - within;
        uint64_t most = (end < events_end ? end : events_end) - at;
        size = size < most ? size : most;
        add_piece(pieces, &count, burst + within, size);
        at += size;
    }
    if (at >= events_end && at < end)
        add_piece(pieces, &count, tail + (at - events_end), end - at);
    return count;
}

static void answered(struct connection *one) {
    one->phase = HEAD;
    if (one->close_after)
        drop(one);
}

/* One write of what is allowed. False: the connection is gone. More is written when the socket has room for it, so that
 * one stream that takes everything doesn't keep the others waiting. */
static bool write_some(struct connection *one) {
    struct iovec pieces[3];
    int count = next_pieces(one, pieces);
    if (count > 0) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
        ssize_t size = sendmsg(one->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            drop(one);
            return false;
        }
        if (size > 0)
            one->written += (uint64_t)size;
    }
    if (one->written == one->total)
        answered(one);
    if (one->fd < 0)
        return false;
    watch(one, one->phase == ANSWER && one->written < one->allowed);
    return true;
}

static bool answer_with(struct connection *one, const char *fixed, size_t size) {
    one->phase = ANSWER;
    one->fixed = fixed;
    one->written = 0;
    one->allowed = one->total = size;
    return write_some(one);
}

static bool refuse(struct connection *one) {
    one->close_after = true;
    return answer_with(one, REFUSED, sizeof REFUSED - 1);
}

/* Begin a stream. Its first event comes within the first interval, at a phase of its own: multiples of the golden
 * ratio spread any number of streams evenly. */
static bool begin_stream(struct connection *one) {
    one->phase = ANSWER;
    one->fixed = NULL;
    one->written = 0;
    one->total = sizeof STREAM_HEAD - 1 + (uint64_t)options.events * event_size + tail_size;
    if (options.interval_us == 0) {
        one->allowed = one->total;
        return write_some(one);
    }
    uint64_t interval = (uint64_t)options.interval_us * 1000;
    double turns = (double)++streams_begun * 0.6180339887498949;
    one->allowed = sizeof STREAM_HEAD - 1;
    one->released = 0;
    one->due = now() + (uint64_t)((turns - (double)(uint64_t)turns) * (double)interval) + 1;
    heap_add(one);
    return write_some(one);
}

static bool answer(struct connection *one) {
    if (!one->post)
        return answer_with(one, NO_MODELS, sizeof NO_MODELS - 1);
    if (one->wants_stream)
        return begin_stream(one);
    return answer_with(one, plain_answer, plain_size);
}

/* Let go of every event that is due. */
static void tick(void) {
    uint64_t at = now(), interval = (uint64_t)options.interval_us * 1000;
    while (heap_count > 0 && heap[0]->due <= at) {
        struct connection *one = heap[0];
        if (one->released++ < (unsigned)options.events) {
            one->allowed += event_size;
            one->due += interval;
            sink(one, 0);
        } else {
            one->allowed = one->total;
            heap_remove(one);
        }
        if (!one->waits_for_room)
            write_some(one);
    }
}

/* Requests. */

/* Search a body, which may come in pieces, for "stream" and true with nothing but a colon and white space between. */
static void look_for_stream(struct connection *one, const char *data, size_t size) {
    static const char wanted[] = "\"stream\":true";
    const unsigned all = sizeof wanted - 1, colon = 8;
    unsigned matched = one->matched;
    for (size_t i = 0; i < size && matched < all; i++) {
        char c = data[i];
        if (c == wanted[matched])
            matched++;
        else if ((matched == colon || matched == colon + 1) && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
            continue;
        else
            matched = c == '"';
    }
    one->matched = matched;
    one->wants_stream = matched == all;
}

/* The value of a header in a request's head, or NULL. `name` has the colon. */
static const char *header(const char *head, const char *end, const char *name) {
    size_t size = strlen(name);
    for (const char *line = head; line != NULL && line < end; line = memchr(line, '\n', (size_t)(end - line))) {
        line += line != head;
        if ((size_t)(end - line) >= size && strncasecmp(line, name, size) == 0) {
            for (line += size; *line == ' '; line++)
                ;
            return line;
        }
    }
    return NULL;
}

/* Take in one head of a request. Returns its size; 0: it isn't whole yet; -1: it can't be understood. */
static int take_head(struct connection *one, const char *data, size_t size) {
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    end += 4;
    if (header(data, end, "Transfer-Encoding:") != NULL || header(data, end, "Expect:") != NULL)
        return -1;
    const char *length = header(data, end, "Content-Length:"), *connection = header(data, end, "Connection:");
    one->post = strncmp(data, "POST ", 5) == 0;
    one->body_left = length == NULL ? 0 : strtoull(length, NULL, 10);
    one->close_after = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    one->wants_stream = false;
    one->matched = 0;
    one->phase = BODY;
    return (int)(end - data);
}

/* Make what there is of input into answers, as far as it goes. */
static void use_input(struct connection *one) {
    size_t at = 0;
    while (one->phase != ANSWER) {
        if (one->phase == HEAD) {
            int size = at == one->input_size ? 0 : take_head(one, one->input + at, one->input_size - at);
            if (size < 0 || (size == 0 && at == 0 && one->input_size == INPUT)) {
                refuse(one);
                return;
            }
            if (size == 0)
                break;
            at += (size_t)size;
        }
        size_t there = one->input_size - at;
        size_t body = there < one->body_left ? there : (size_t)one->body_left;
        look_for_stream(one, one->input + at, body);
        at += body;
        one->body_left -= body;
        if (one->body_left > 0)
            break;
        if (!answer(one))
            return;
    }
    if (at > 0) {
        one->input_size -= (unsigned)at;
        memmove(one->input, one->input + at, one->input_size);
    }
}

static void read_some(struct connection *one) {
    if (one->input_size == INPUT) { /* Requests sent ahead of their answers, more than anybody needs. */
        drop(one);
        return;
    }
    ssize_t size = recv(one->fd, one->input + one->input_size, INPUT - one->input_size, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        drop(one);
    } else if (size > 0) {
        one->input_size += (unsigned)size;
        use_input(one);
    }
}

static void serve(struct connection *one, uint32_t what) {
    if (one->fd >= 0 && (what & EPOLLOUT) && write_some(one) && one->phase == HEAD && one->input_size > 0)
        use_input(one);
    if (one->fd >= 0 && (what & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read_some(one);
}

static void take_connections(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED || errno == EINTR)
                return;
            fail("accept");
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *one = must(malloc(sizeof *one));
        memset(one, 0, offsetof(struct connection, input));
        one->fd = fd;
        one->heap_at = -1;
        struct epoll_event interest = {.events = EPOLLIN, .data.ptr = one};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &interest) < 0)
            fail("epoll_ctl");
    }
}

/* The start. */

static void watch_own(int fd, void *mark) {
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = mark};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &interest) < 0)
        fail("epoll_ctl");
}

static void begin(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        fail("socket");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, BACKLOG) < 0)
        fail("bind");
    poller = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (poller < 0 || timer < 0)
        fail("epoll");
    watch_own(listener, &listener);
    watch_own(timer, &timer);
}

static void take_options(int count, char **words) {
    const struct {
        const char *name;
        long *value, least, most;
    } known[] = {
        {"--port", &options.port, 1, 65535},
        {"--events", &options.events, 0, 1000000000},
        {"--interval-us", &options.interval_us, 0, 1000000000},
        {"--event-bytes", &options.event_bytes, 1, LARGEST_EVENT},
        {"--burst", &options.burst, 1, 1000},
    };
    for (int i = 1; i < count; i += 2) {
        bool taken = false;
        for (size_t k = 0; k < sizeof known / sizeof *known && i + 1 < count; k++) {
            if (strcmp(words[i], known[k].name) != 0)
                continue;
            char *end;
            *known[k].value = strtol(words[i + 1], &end, 10);
            taken = *end == '\0' && *known[k].value >= known[k].least && *known[k].value <= known[k].most;
        }
        if (!taken) {
            fprintf(stderr, "upstream: %s is no option, or its value is wrong\n", words[i]);
            exit(2);
        }
    }
    if (options.port == 0) {
        fprintf(stderr, "usage: upstream --port P [--events N] [--interval-us U] [--event-bytes B] [--burst N]\n");
        exit(2);
    }
}

int main(int count, char **words) {
    take_options(count, words);
    make_event();
    make_tail();
    make_plain();
    begin();
    for (;;) {
        struct epoll_event ready[READY];
        set_timer();
        int found = epoll_wait(poller, ready, READY, -1);
        if (found < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < found; i++) {
            if (ready[i].data.ptr == &listener) {
                take_connections();
            } else if (ready[i].data.ptr == &timer) {
                uint64_t times;
                if (read(timer, &times, sizeof times) > 0)
                    timer_at = 0;
                tick();
            } else {
                serve(ready[i].data.ptr, ready[i].events);
            }
        }
        bury();
    }
}
