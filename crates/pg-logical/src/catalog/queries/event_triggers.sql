SELECT e.oid, e.evtname AS name, pg_get_userbyid(e.evtowner) AS owner, e.evtevent AS event,
       e.evtenabled AS firing, e.evttags AS tags, e.evtfoid::regproc::text AS function
FROM pg_event_trigger e WHERE {own pg_event_trigger e}
