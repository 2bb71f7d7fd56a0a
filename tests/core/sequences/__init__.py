"""Random courses of calls through the whole way of a call, from the handler to the record, in virtual time.

facts       a configuration as the test knows it
drawing     configurations, and changes of them, by chance
failures    what docs/routing.md says of each failure: what may follow, and whom it is laid to
replies     what a provider may answer, with the failure that it is
asks        a client's call, and the requests to providers that it turns into
upstream    the providers: they answer when the course says so
client      the clients: they read, are slow, leave
model       what may be done with keys, targets and providers, and what a call may do next, by the documents alone: it
            sees what reaches the providers, and objects to what should not have
stage       all of the daemon that is on the way of a call, but the network
course      one sequence: calls, answers, time, reloads, in an order by chance
records     what must stand in the books when it is over
"""
