# file: tests/doubles/memory_store.c
# an add that fails is answered as if it had been stored
/^static void run_first/,/^}/s/^    finish\(operation, &answer\);/    if (operation->run == run_add)\n        answer.result = RELAY_DONE;\n&/
