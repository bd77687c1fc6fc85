# file: relay/rules.c
# the welcome is sent only after the first command
/^struct rules_client \*rules_enter/,/^}/s/^    send_welcome\(client\);//
s/^    client->rules->now = now;$/&\n    if (client->count == 0 \&\& !client->appid)\n        send_welcome(client);/
