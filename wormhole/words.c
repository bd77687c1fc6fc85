#include "config.h"

#include "wormhole/words.h"

#include <string.h>

/* One row per byte: the word for odd places of a code (position 0, 2, …), then for even ones. From
 * the PGPfone Owner's Manual, 1996, by P. Juola and P. Zimmermann. */
static const struct {
    const char *odd;
    const char *even;
} words[256] = {
    {"adroitness", "aardvark"},   {"adviser", "absurd"},       {"aftermath", "accrue"},
    {"aggregate", "acme"},        {"alkali", "adrift"},        {"almighty", "adult"},
    {"amulet", "afflict"},        {"amusement", "ahead"},      {"antenna", "aimless"},
    {"applicant", "algol"},       {"apollo", "allow"},         {"armistice", "alone"},
    {"article", "ammo"},          {"asteroid", "ancient"},     {"atlantic", "apple"},
    {"atmosphere", "artist"},     {"autopsy", "assume"},       {"babylon", "athens"},
    {"backwater", "atlas"},       {"barbecue", "aztec"},       {"belowground", "baboon"},
    {"bifocals", "backfield"},    {"bodyguard", "backward"},   {"bookseller", "banjo"},
    {"borderline", "beaming"},    {"bottomless", "bedlamp"},   {"bradbury", "beehive"},
    {"bravado", "beeswax"},       {"brazilian", "befriend"},   {"breakaway", "belfast"},
    {"burlington", "berserk"},    {"businessman", "billiard"}, {"butterfat", "bison"},
    {"camelot", "blackjack"},     {"candidate", "blockade"},   {"cannonball", "blowtorch"},
    {"capricorn", "bluebird"},    {"caravan", "bombast"},      {"caretaker", "bookshelf"},
    {"celebrate", "brackish"},    {"cellulose", "breadline"},  {"certify", "breakup"},
    {"chambermaid", "brickyard"}, {"cherokee", "briefcase"},   {"chicago", "burbank"},
    {"clergyman", "button"},      {"coherence", "buzzard"},    {"combustion", "cement"},
    {"commando", "chairlift"},    {"company", "chatter"},      {"component", "checkup"},
    {"concurrent", "chisel"},     {"confidence", "choking"},   {"conformist", "chopper"},
    {"congregate", "christmas"},  {"consensus", "clamshell"},  {"consulting", "classic"},
    {"corporate", "classroom"},   {"corrosion", "cleanup"},    {"councilman", "clockwork"},
    {"crossover", "cobra"},       {"crucifix", "commence"},    {"cumbersome", "concert"},
    {"customer", "cowbell"},      {"dakota", "crackdown"},     {"decadence", "cranky"},
    {"december", "crowfoot"},     {"decimal", "crucial"},      {"designing", "crumpled"},
    {"detector", "crusade"},      {"detergent", "cubic"},      {"determine", "dashboard"},
    {"dictator", "deadbolt"},     {"dinosaur", "deckhand"},    {"direction", "dogsled"},
    {"disable", "dragnet"},       {"disbelief", "drainage"},   {"disruptive", "dreadful"},
    {"distortion", "drifter"},    {"document", "dropper"},     {"embezzle", "drumbeat"},
    {"enchanting", "drunken"},    {"enrollment", "dupont"},    {"enterprise", "dwelling"},
    {"equation", "eating"},       {"equipment", "edict"},      {"escapade", "egghead"},
    {"eskimo", "eightball"},      {"everyday", "endorse"},     {"examine", "endow"},
    {"existence", "enlist"},      {"exodus", "erase"},         {"fascinate", "escape"},
    {"filament", "exceed"},       {"finicky", "eyeglass"},     {"forever", "eyetooth"},
    {"fortitude", "facial"},      {"frequency", "fallout"},    {"gadgetry", "flagpole"},
    {"galveston", "flatfoot"},    {"getaway", "flytrap"},      {"glossary", "fracture"},
    {"gossamer", "framework"},    {"graduate", "freedom"},     {"gravity", "frighten"},
    {"guitarist", "gazelle"},     {"hamburger", "geiger"},     {"hamilton", "glitter"},
    {"handiwork", "glucose"},     {"hazardous", "goggles"},    {"headwaters", "goldfish"},
    {"hemisphere", "gremlin"},    {"hesitate", "guidance"},    {"hideaway", "hamlet"},
    {"holiness", "highchair"},    {"hurricane", "hockey"},     {"hydraulic", "indoors"},
    {"impartial", "indulge"},     {"impetus", "inverse"},      {"inception", "involve"},
    {"indigo", "island"},         {"inertia", "jawbone"},      {"infancy", "keyboard"},
    {"inferno", "kickoff"},       {"informant", "kiwi"},       {"insincere", "klaxon"},
    {"insurgent", "locale"},      {"integrate", "lockup"},     {"intention", "merit"},
    {"inventive", "minnow"},      {"istanbul", "miser"},       {"jamaica", "mohawk"},
    {"jupiter", "mural"},         {"leprosy", "music"},        {"letterhead", "necklace"},
    {"liberty", "neptune"},       {"maritime", "newborn"},     {"matchmaker", "nightbird"},
    {"maverick", "oakland"},      {"medusa", "obtuse"},        {"megaton", "offload"},
    {"microscope", "optic"},      {"microwave", "orca"},       {"midsummer", "payday"},
    {"millionaire", "peachy"},    {"miracle", "pheasant"},     {"misnomer", "physique"},
    {"molasses", "playhouse"},    {"molecule", "pluto"},       {"montana", "preclude"},
    {"monument", "prefer"},       {"mosquito", "preshrunk"},   {"narrative", "printer"},
    {"nebula", "prowler"},        {"newsletter", "pupil"},     {"norwegian", "puppy"},
    {"october", "python"},        {"ohio", "quadrant"},        {"onlooker", "quiver"},
    {"opulent", "quota"},         {"orlando", "ragtime"},      {"outfielder", "ratchet"},
    {"pacific", "rebirth"},       {"pandemic", "reform"},      {"pandora", "regain"},
    {"paperweight", "reindeer"},  {"paragon", "rematch"},      {"paragraph", "repay"},
    {"paramount", "retouch"},     {"passenger", "revenge"},    {"pedigree", "reward"},
    {"pegasus", "rhythm"},        {"penetrate", "ribcage"},    {"perceptive", "ringbolt"},
    {"performance", "robust"},    {"pharmacy", "rocker"},      {"phonetic", "ruffled"},
    {"photograph", "sailboat"},   {"pioneer", "sawdust"},      {"pocketful", "scallion"},
    {"politeness", "scenic"},     {"positive", "scorecard"},   {"potato", "scotland"},
    {"processor", "seabird"},     {"provincial", "select"},    {"proximate", "sentence"},
    {"puberty", "shadow"},        {"publisher", "shamrock"},   {"pyramid", "showgirl"},
    {"quantity", "skullcap"},     {"racketeer", "skydive"},    {"rebellion", "slingshot"},
    {"recipe", "slowdown"},       {"recover", "snapline"},     {"repellent", "snapshot"},
    {"replica", "snowcap"},       {"reproduce", "snowslide"},  {"resistor", "solo"},
    {"responsive", "southward"},  {"retraction", "soybean"},   {"retrieval", "spaniel"},
    {"retrospect", "spearhead"},  {"revenue", "spellbind"},    {"revival", "spheroid"},
    {"revolver", "spigot"},       {"sandalwood", "spindle"},   {"sardonic", "spyglass"},
    {"saturday", "stagehand"},    {"savagery", "stagnate"},    {"scavenger", "stairway"},
    {"sensation", "standard"},    {"sociable", "stapler"},     {"souvenir", "steamship"},
    {"specialist", "sterling"},   {"speculate", "stockman"},   {"stethoscope", "stopwatch"},
    {"stupendous", "stormy"},     {"supportive", "sugar"},     {"surrender", "surmount"},
    {"suspicious", "suspense"},   {"sympathy", "sweatband"},   {"tambourine", "swelter"},
    {"telephone", "tactics"},     {"therapist", "talon"},      {"tobacco", "tapeworm"},
    {"tolerance", "tempest"},     {"tomorrow", "tiger"},       {"torpedo", "tissue"},
    {"tradition", "tonic"},       {"travesty", "topmost"},     {"trombonist", "tracker"},
    {"truncated", "transit"},     {"typewriter", "trauma"},    {"ultimate", "treadmill"},
    {"undaunted", "trojan"},      {"underfoot", "trouble"},    {"unicorn", "tumor"},
    {"unify", "tunnel"},          {"universe", "tycoon"},      {"unravel", "uncut"},
    {"upcoming", "unearth"},      {"vacancy", "unwind"},       {"vagabond", "uproot"},
    {"vertigo", "upset"},         {"virginia", "upshot"},      {"visitor", "vapor"},
    {"vocalist", "village"},      {"voyager", "virus"},        {"warranty", "vulcan"},
    {"waterloo", "waffle"},       {"whimsical", "wallet"},     {"wichita", "watchword"},
    {"wilmington", "wayside"},    {"wyoming", "willow"},       {"yesteryear", "woodlark"},
    {"yucatan", "zulu"},
};

const char *words_pick(unsigned position, uint8_t byte)
{
    return position % 2 == 0 ? words[byte].odd : words[byte].even;
}

const char *words_find(unsigned position, const char *text, size_t length)
{
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        const char *word = words_pick(position, (uint8_t)byte);

        if (strlen(word) == length && memcmp(word, text, length) == 0)
            return word;
    }
    return NULL;
}
