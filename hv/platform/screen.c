#include <hv/log/log.h>
#include <hv/platform/screen.h>

#define GLYPH_WIDTH  5u
#define GLYPH_HEIGHT 7u
#define CELL_WIDTH   6u
#define CELL_HEIGHT  9u
#define COLUMN_CELLS 66u /* of a column of lines, with its gap */
#define MARGIN       8u  /* pixels at each side */

#define FIRST_GLYPH ' '
#define LAST_GLYPH  '~'
#define NO_GLYPH    '?'
#define PAPER       0x00000000u
#define INK         0x00ffffffu /* the same whatever the order of colours */

/* A byte a column of pixels, the leftmost lowest; in it a bit a pixel, the uppermost lowest. */
static const u64 glyphs[LAST_GLYPH - FIRST_GLYPH + 1] = {
    0x0000000000, 0x00005f0000, 0x0007000700, 0x147f147f14, 0x122a7f2a24, 0x6264081323,
    0x5022554936, 0x0000030500, 0x0041221c00, 0x001c224100, 0x14083e0814, 0x08083e0808,
    0x0000305000, 0x0808080808, 0x0000606000, 0x0204081020, 0x3e4549513e, 0x00407f4200,
    0x4649516142, 0x314b454121, 0x107f121418, 0x3945454527, 0x3049494a3c, 0x0305097101,
    0x3649494936, 0x1e29494906, 0x0000363600, 0x0000365600, 0x0041221408, 0x1414141414,
    0x0814224100, 0x0609510102, 0x3e41794932, 0x7e1111117e, 0x364949497f, 0x224141413e,
    0x1c2241417f, 0x414949497f, 0x010909097f, 0x7a4949413e, 0x7f0808087f, 0x00417f4100,
    0x013f414020, 0x412214087f, 0x404040407f, 0x7f020c027f, 0x7f1008047f, 0x3e4141413e,
    0x060909097f, 0x5e2151413e, 0x462919097f, 0x3149494946, 0x01017f0101, 0x3f4040403f,
    0x1f2040201f, 0x3f4038403f, 0x6314081463, 0x0708700807, 0x4345495161, 0x0041417f00,
    0x2010080402, 0x007f414100, 0x0402010204, 0x4040404040, 0x0004020100, 0x7854545420,
    0x384444487f, 0x2044444438, 0x7f48444438, 0x1854545438, 0x0201097e08, 0x3e5252520c,
    0x780404087f, 0x00407d4400, 0x003d444020, 0x004428107f, 0x00407f4100, 0x780418047c,
    0x780404087c, 0x3844444438, 0x081414147c, 0x7c18141408, 0x080404087c, 0x2054545448,
    0x2040443f04, 0x7c2040403c, 0x1c2040201c, 0x3c4030403c, 0x4428102844, 0x3c5050500c,
    0x444c546444, 0x0041360800, 0x00007f0000, 0x0008364100, 0x0810080810,
};

static struct kmv_framebuffer screen; /* base 0: there is none */
static u32 column, line, cell;        /* where the next character goes */

void screen_init(const struct kmv_framebuffer *framebuffer)
{
    screen = *framebuffer;
}

static u32 *pixel(u32 x, u32 y)
{
    return (u32 *)screen.base + (u64)y * screen.pixels_per_line + x;
}

static void clear(void)
{
    for (u32 y = 0; y < screen.height; y++) {
        for (u32 x = 0; x < screen.width; x++)
            *pixel(x, y) = PAPER;
    }
}

static void next_line(void)
{
    cell = 0;
    if (MARGIN + (++line + 1) * CELL_HEIGHT <= screen.height)
        return;
    line = 0;
    column++;
}

static void draw(u8 character)
{
    bool known = character >= FIRST_GLYPH && character <= LAST_GLYPH;
    u64 glyph = glyphs[(known ? character : NO_GLYPH) - FIRST_GLYPH];
    u32 left = MARGIN + (column * COLUMN_CELLS + cell) * CELL_WIDTH;
    u32 top = MARGIN + line * CELL_HEIGHT;

    if (left + CELL_WIDTH > screen.width || top + CELL_HEIGHT > screen.height)
        return;
    for (u32 i = 0; i < GLYPH_WIDTH * GLYPH_HEIGHT; i++) {
        u32 x = i / GLYPH_HEIGHT, y = i % GLYPH_HEIGHT;

        *pixel(left + x, top + y) = glyph >> (8 * x + y) & 1 ? INK : PAPER;
    }
}

static void show(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n' || cell == COLUMN_CELLS - 1)
            next_line();
        if (text[i] == '\n')
            continue;
        draw((u8)text[i]);
        cell++;
    }
}

void screen_take_log(void)
{
    static bool taken;

    if (taken || screen.base == 0)
        return;
    taken = true;
    clear();
    log_also(show);
}
