/* Doubly linked lists whose links live inside the listed structures. */
#ifndef HV_LIB_LIST_H
#define HV_LIB_LIST_H

#include <hv/types.h>

struct list_link {
    struct list_link *prev, *next; /* NULL: on no list */
};

/* The structure of type `type` that holds `link` as its member `member`. */
#define LIST_ITEM(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list_link *head)
{
    head->prev = head->next = head;
}

static inline bool list_is_empty(const struct list_link *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list_link *link)
{
    return link->next != NULL;
}

static inline void list_append(struct list_link *head, struct list_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void list_remove(struct list_link *link)
{
    /* A link that is in a list has both. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}

#endif
