# file: tests/doubles/memory_store.c
# an add that fails is answered as if it had been stored
/^static void run_first/,/^}/s/^    finish\(operation, failed.result \? .*/    if (operation->run == run_add)\n        failed.result = RELAY_DONE;\n&/
