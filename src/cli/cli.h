/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CLI_H
#define CLI_CLI_H
/*
 * The command-line framework. A command is one const descriptor in a file of its own (cmd_*.c) and
 * one line in commands.c; from its tables come the parser, the help texts and the manual page.
 */
#include "base/err.h"
#include "base/vec.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What an option stores, and into a field of which type. */
enum cli_type {
    CLI_FLAG,     /* bool: becomes true */
    CLI_COUNT,    /* int: one more each time, for -v -v */
    CLI_TEXT,     /* const char *, borrowed from argv */
    CLI_LIST,     /* struct cli_list: every occurrence, in order */
    CLI_INTEGER,  /* uint64_t: decimal or 0x…, then k, M or G (powers of 1000) */
    CLI_DURATION, /* uint64_t nanoseconds: "1.5", "20ms", "3s", "2m" */
    CLI_CHOICE    /* int: index into `choices` */
};

/* Borrowed strings; free with vec_free. The parser frees it when parsing fails. */
struct cli_list {
    const char **data;
    size_t len, cap;
};

struct cli_option {
    const char *name;    /* long name, without dashes; NULL ends the table */
    char letter;         /* short name, or 0 */
    const char *metavar; /* what stands for the argument in help; NULL for FLAG and COUNT */
    const char *topic;   /* id of a row in cli_topics */
    const char *help;    /* a sentence without capital or full stop; more sentences may follow */
    enum cli_type type;
    size_t into;                /* offset in the command's values: fill type and into by CLI_INTO */
    uint64_t min, max;          /* INTEGER and DURATION; max 0 is no limit */
    const char *const *choices; /* CHOICE: names, ended by NULL */
    bool rare;                  /* left out of the short help */
};

/*
 * .type and .into of an option, checked against the field's C type:
 *     {"timeout", 't', "TIME", "limits", "stop after TIME", CLI_INTO(DURATION, struct opts,
 * timeout)}
 */
#define CLI_INTO(kind, S, field)                                                                   \
    .type = CLI_##kind,                                                                            \
    .into = offsetof(S, field) +                                                                   \
            0 * sizeof(struct {                                                                    \
                int checked;                                                                       \
                _Static_assert(                                                                    \
                    __builtin_types_compatible_p(__typeof__(((S *)0)->field), CLI_FIELD_##kind),   \
                    #field " is no field for " #kind);                                             \
            })
#define CLI_FIELD_FLAG     bool
#define CLI_FIELD_COUNT    int
#define CLI_FIELD_TEXT     const char *
#define CLI_FIELD_LIST     struct cli_list
#define CLI_FIELD_INTEGER  uint64_t
#define CLI_FIELD_DURATION uint64_t
#define CLI_FIELD_CHOICE   int

struct cli_command {
    const char *name;
    const char *group;       /* heading under which `peregrine help` lists it; NULL hides it */
    const char *summary;     /* a few words, imperative */
    const char *usage;       /* what follows the name, such as "[options] FILE" */
    const char *description; /* paragraphs for help and manual, "\n\n" between them */
    const char *examples;    /* lines "command line\tcomment\n", or NULL */
    const struct cli_option *options; /* NULL for none */
    const void *defaults;             /* initial values, values_size bytes; NULL for zeroes */
    size_t values_size;
    int min_operands, max_operands; /* max -1: no limit */
    bool stop_at_operand; /* options end at the first operand: what follows is the guest's */
    int usage_status;     /* exit status of usage errors; 0 means 2 */
    /* Operands in argv, argv[argc] == NULL. The result is the exit status. */
    int (*run)(const void *values, int argc, char **argv);
};

/* The subjects by which options are grouped in help and manual. */
struct cli_topic {
    const char *id, *title;
};
extern const struct cli_topic cli_topics[]; /* ended by a NULL id */

extern const struct cli_command *const cli_commands[]; /* ended by NULL, in the order of help */
const struct cli_command *cli_find_command(const char *name);

enum cli_parse { CLI_PARSED, CLI_WRONG, CLI_WANTS_HELP };
/*
 * Fills values (values_size bytes) from argv[1…] and leaves the operands in *operands, which is
 * owned by the caller (free; ended by NULL). On CLI_WRONG *e says what is wrong. CLI_WANTS_HELP is
 * -h or --help; the operands are then the topics that followed.
 */
enum cli_parse cli_parse(const struct cli_command *c, int argc, char **argv, void *values,
                         char ***operands, int *noperands, struct pgr_error *e);
/* Frees the lists in values. */
void cli_values_free(const struct cli_command *c, void *values);

/* Parses and runs one command; argv[0] is its name. Returns the exit status. */
int cli_run_command(const struct cli_command *c, int argc, char **argv);
/* The whole program. */
int cli_main(int argc, char **argv);

/* Help. `topic` is NULL (short), "all" or a topic's id; false when there is no such topic. */
void cli_help_overview(FILE *f);
bool cli_help_command(FILE *f, const struct cli_command *c, const char *topic);
bool cli_help_topic(FILE *f, const char *topic); /* over all commands */
void cli_man_page(FILE *f);

/* Terminal. A style is an escape sequence, or "" when f is no terminal that wants colour. */
enum cli_style { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN, CLI_YELLOW, CLI_CYAN };
const char *cli_style(FILE *f, enum cli_style style);
/* Text wrapped at the width of help, each line indented; the first continues at `column`. */
void cli_wrap(FILE *f, const char *text, int indent, int column);
/* "peregrine: error: …" on standard error. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Flushes standard output; EXIT_FAILURE (1) with a message when what was printed got lost. */
int cli_finish_output(void);
#endif
