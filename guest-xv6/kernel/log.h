/*
 * The write-ahead log: file system operations are transactions. Every operation that may write runs
 * between log_begin and log_end and changes blocks only through log_write. Nothing reaches its
 * place on disk before all of it is in the log, so a crash leaves the file system as before or as
 * after.
 */
#ifndef LOG_H
#define LOG_H

struct buf;

/* Reads the superblock, finishes what a crash left in the log. Called once, by the first process.
 */
void log_init(void);

void log_begin(void); /* an operation that writes at most MAXOPBLOCKS blocks */
void log_end(void);   /* its end; the last one out commits */
void log_write(
    struct buf *b); /* instead of block_write; b is locked, the caller releases it as usual */

#endif
