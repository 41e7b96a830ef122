/* Limits of this kernel. Those that programs can see are xv6's. */
#ifndef PARAM_H
#define PARAM_H

#define NPROC         64  /* processes */
#define NCPU          8   /* processors */
#define NOFILE        16  /* open files of a process */
#define NFILE         100 /* open files of the system */
#define NINODE        50  /* i-nodes in use at once */
#define NDEV          10  /* device majors */
#define BIO_RAM_SHARE 64  /* the buffer cache has one part in this many of RAM */
#define MAXARG        32  /* arguments of exec */
#define MAXPATH       128 /* bytes of a path, with its end */
#define MAXOPBLOCKS   10  /* blocks that one file system operation may write */
#define ROOTDEV       1   /* device number of the root disk, and its place on the IDE channel */
#define HZ            100 /* timer ticks a second */

#endif
