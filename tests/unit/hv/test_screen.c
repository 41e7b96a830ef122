/* The screen at the end: what is drawn where, on framebuffers of several shapes. */
#include "testing.h"

#include <hv/log/log.h>
#include <hv/platform/screen.h>
#include <stdlib.h>
#include <string.h>

#define INK         0x00ffffffu
#define MARGIN      8u
#define CELL_WIDTH  6u
#define CELL_HEIGHT 9u
#define LINE_CELLS  65u
#define JUNK        0xdeadbeefu /* what the firmware left */

static void (*sink)(const char *text, size_t length);

void log_also(void (*function)(const char *text, size_t length))
{
    sink = function;
}

static u32 *pixels;
static struct kmv_framebuffer frame;

/* screen_take_log works once a machine: the sink it gave is kept. */
static void start(u32 width, u32 height, u32 pixels_per_line)
{
    size_t count = (size_t)pixels_per_line * height;

    free(pixels);
    pixels = malloc(count * sizeof(*pixels));
    for (size_t i = 0; i < count; i++)
        pixels[i] = JUNK;
    frame = (struct kmv_framebuffer){(uintptr_t)pixels, width, height, pixels_per_line, 1};
    screen_init(&frame);
    screen_take_log();
}

static bool ink(u32 x, u32 y)
{
    return pixels[y * frame.pixels_per_line + x] == INK;
}

/* The pixels of a cell, as rows of text. */
static void expect_cell(u32 column, u32 row, const char *const picture[7])
{
    for (u32 y = 0; y < 7; y++) {
        char text[6] = {0};

        for (u32 x = 0; x < 5; x++)
            text[x] =
                ink(MARGIN + column * CELL_WIDTH + x, MARGIN + row * CELL_HEIGHT + y) ? '#' : '.';
        assert_string_equal(text, picture[y]);
    }
}

static const char *const letter_g[] = {".....", ".####", "#...#", "#...#",
                                       ".####", "....#", ".###."};
static const char *const letter_A[] = {".###.", "#...#", "#...#", "#...#",
                                       "#####", "#...#", "#...#"};
static const char *const digit_0[] = {".###.", "#...#", "#..##", "#.#.#",
                                      "##..#", "#...#", ".###."};
static const char *const question[] = {".###.", "#...#", "....#", "...#.",
                                       "..#..", ".....", "..#.."};
static const char *const empty[] = {".....", ".....", ".....", ".....", ".....", ".....", "....."};

static void tell(const char *text)
{
    sink(text, strlen(text));
}

/* Only one screen a program: the cases follow each other on it. */
static void lines_and_columns(void **state)
{
    u32 rows;

    (void)state;
    start(800, 600, 832);
    assert_non_null(sink);
    for (u32 y = 0; y < frame.height; y++) {
        for (u32 x = 0; x < frame.pixels_per_line; x++)
            assert_int_equal(pixels[y * frame.pixels_per_line + x], x < frame.width ? 0 : JUNK);
    }
    rows = (frame.height - MARGIN) / CELL_HEIGHT;
    tell("gA0\n");
    tell("\x01\xff\n");
    expect_cell(0, 0, letter_g);
    expect_cell(1, 0, letter_A);
    expect_cell(2, 0, digit_0);
    expect_cell(3, 0, empty);
    expect_cell(0, 1, question);
    expect_cell(1, 1, question);
    /* A long line goes on below, and leaves a gap to the next column. */
    for (u32 i = 0; i < LINE_CELLS; i++)
        tell("0");
    tell("A\n");
    expect_cell(LINE_CELLS - 1, 2, digit_0);
    expect_cell(LINE_CELLS, 2, empty);
    expect_cell(0, 3, letter_A);
    /* The last row, then the second column, then nothing. */
    for (u32 i = 4; i < rows - 1; i++)
        tell("g\n");
    tell("A\n");
    expect_cell(0, rows - 1, letter_A);
    tell("0\n");
    expect_cell(LINE_CELLS + 1, 0, digit_0);
    for (u32 i = 0; i < 3 * rows; i++)
        tell("A long line that would reach beyond the right end of the screen if anything did\n");
    expect_cell(0, 0, letter_g);
    for (u32 y = 0; y < frame.height; y++)
        assert_int_equal(pixels[y * frame.pixels_per_line + frame.width], JUNK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_and_columns)};
    int failed;

    /* Without a framebuffer nothing is taken, and nothing drawn. */
    screen_take_log();
    if (sink != NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(pixels);
    return failed;
}
