package mail

// reasonRules are the phrases by which mail servers say why, in lower case and without addresses and links. Order
// matters: the first rule that matches wins, so what can stand in many answers comes last.
var reasonRules = []reasonRule{
	{"spamdetected", []string{"due to spam classification"}},
	{"policyviolation", []string{"content presents a potential", "potential security issue"}},
	{"rejected", []string{"@groups.google.com/support", "@groups.google.com/bin/answer"}},
	{"onhold", []string{"due to a recipient error"}},
	{"blocked", []string{"refused to talk to me & 421"}},
	{"expired", []string{"delivery temporarily suspended"}},
	{"hostunknown", []string{"missing the proper dns entries"}},
	{"networkerror", []string{"dns error", "host not found, try again", "name lookup failure", "temporary error looking up"}},
	{"notcompliantrfc", []string{
		"multiple addresses in from", "addresses in from: header", "duplicate header", "rfc 5322 compliant", "rfc5322", "rfc 2822", "rfc 5322", "not rfc-compliant", "non-rfc", "missing required header", "bare lf", "bare <lf>", "from header is missing",
		"missing from:", "multiple from", "header fields that are not",
	}},
	{"norelaying", []string{
		"relay access denied", "relaying denied", "no relaying", "permitted to relay", "relay not permitted", "unable to relay", "relaying not allowed", "relay not allowed", "relay prohibited", "relaying prohibited", "configured to relay",
		"email address is not verified", "do not relay", "mail relay denied", "relaying mail to", "not a relay", "not an open relay", "list of allowed rcpthosts", "rcpthosts (#5.7.1", "relay operation rejected", "relaying blocked", "relay denied", "denied by relay",
		"relaying disabled", "not allowed to relay", "we don't relay", "relaying is not", "no relay access", "relay attempt", "must be authenticated to relay", "cannot relay", "relaying forbidden",
	}},
	{"virusdetected", []string{
		"virus detected", "contains a virus", "infected", "malware", "trojan", "message contains virus", "virus found", "virus", "worm detected", "security policies - mc", "known virus",
	}},
	{"speeding", []string{
		"recipients this hour", "too fast", "slow down", "throttl", "sending rate", "too many messages", "message rate", "mails per hour", "messages per hour", "too much mail", "exceeded the rate", "hourly limit",
	}},
	{"toomanyconn", []string{
		"connection rate", "too many connections", "too many concurrent", "too many recipients", "frequency limit", "connections from your", "too many sessions", "connection limit", "exceeded the maximum number of connections", "rate limit", "rate-limit", "concurrent connections", "too many smtp",
	}},
	{"badreputation", []string{
		"unexpected volume or user complaints", "poor reputation", "bad reputation", "low reputation", "ip reputation", "senderbase reputation", "sender reputation", "reputation of", "reputation score", "reputation", "user complaints",
	}},
	{"authfailure", []string{
		"dmarc", "spf record", "spf check", "spf fail", "fails spf", "spf validation", "pass spf", "hard fail policy", "sender policy framework", "spf: fail", "failed spf", "due to spf", "not designated", "dkim", "authentication information", "unauthenticated email", "authentication checks failed",
		"authentication check", "@spf.pobox.com", "openspf", "unauthenticated mail", "sender id", "spf", "authentication failed for the sender", "doesn't pass authentication", "does not pass authentication",
	}},
	{"requireptr", []string{
		"reverse dns", "ptr record", "no ptr", "dns ptr", "rdns", "reverse hostname", "reverse lookup", "reverse resol", "unverifyable sending", "mismatches client ip", "cannot find your hostname", "cannot find your reverse", "resolve your hostname", "unresolvable rdns", "ptr resource", "missing ptr",
		"without reverse", "valid reverse", "ip address has no", "fix reverse", "forward-confirmed", "generic ptr", "reverse mapping", "hostname does not resolve",
	}},
	{"failedstarttls", []string{
		"starttls", "tls required", "support tls", "tls is required", "require tls", "requires tls", "tls handshake", "tls negotiation", "encryption needed", "tls connection", "tls session", "without tls",
	}},
	{"contenterror", []string{
		"headers too large", "header too large", "header size exceeds", "8bit", "8-bit characters", "malformed mime", "mime error", "improper use of", "too many mime", "mime headers", "mail header size", "invalid content", "conversion required", "bad content",
	}},
	{"exceedlimit", []string{
		"too large for this recipient", "message length exceeds", "size exceeds fixed maximum", "exceeds administrative limit", "recipsizelimit", "recipient's size limit", "size limit set by recipient", "limit set by recipient",
	}},
	{"mesgtoobig", []string{
		"message too big", "message too large", "message size exceeds", "size limit", "message file too big", "too large", "maximum message size", "message is too big", "exceeded maximum size", "message exceeds", "mail size exceeds", "exceeds size", "size of the message", "size of your message", "exceeds the maximum",
		"message larger than", "sizelimit", "message was too large", "taille du message", "trop volumineux", "zu groß", "demasiado grande",
	}},
	{"mailboxfull", []string{
		"mailbox full", "mailbox is full", "mailbox for user is full", "mailfolder is full", "mail folder is full", "over quota", "overquota", "over the quota", "quota exceeded", "exceeded quota", "exceeds quota", "exceeded the quota", "disk quota", "quota violation", "exceed mailbox quota", "is full",
		"out of storage", "over its quota", "over the storage limit", "storage limit", "storage quota", "insufficient storage for", "not enough space in", "exceeded storage", "exceeded its storage", "exceeded his", "exceeded their", "mailbox size limit", "mailbox limit", "quota full", "full mailbox",
		"mailbox has exceeded", "mailbox exceeds", "account is full", "inbox is full", "inbox full", "maildir over", "maildir delivery failed: user is over", "user is over", "has exceeded its", "exceeds allowed", "too much mail data", "mailbox quota", "quota", "boîte pleine", "boite pleine", "postfach voll", "postfach ist voll",
		"buzón lleno", "buzon lleno", "casella piena", "caixa cheia", "mailbox vol", "メールボックスが一杯", "メールボックスの容量", "容量を超え", "容量オーバー", "邮箱已满", "信箱已滿", "空间不足", "переполнен", "mailboxfull", "shutoffquotaexceeded", "insufficient disk quota", "no space left for", "mail box full", "mail box is full",
	}},
	{"systemfull", []string{
		"insufficient disk space", "disk full", "no space left on device", "insufficient system storage", "insufficient system resources", "mail system full", "system storage exceeded", "not enough disk",
	}},
	{"hasmoved", []string{
		"recipient no longer on server", "has moved", "address has changed", "has been replaced by", "mailbox has moved", "please use the new address", "user not local; please try", "no longer on this server", "moved to", "new address is", "address changed", "changed his address", "recipient has moved",
	}},
	{"userunknown", []string{"not listed in", "inactive email address", "this user doesn't have a yahoo.com account"}},
	{"filtered", []string{
		"refused due to recipient preferences", "recipient preferences", "message filtered", "recipient's preferences", "refused by recipient", "rejected by the recipient", "recipient does not wish", "blocked by the recipient", "recipient has blocked", "this user doesn't have a", "you have been blocked by the recipient",
		"requires confirmation", "not in the recipient's list", "only accepts mail from", "user reject", "resolver.rst.notauthorized; not authorized to",
	}},
	{"suspend", []string{
		"disabled", "suspend", "inactive", "locked. please", "temporary locked", "temporarily locked", "account is locked", "mailbox locked", "mailbox is frozen", "frozen", "discontinued", "account is blocked", "account blocked", "deactivated", "no longer active", "not active", "expired account", "account expired", "account has expired",
		"boite du destinataire archivee", "compte du destinataire est bloque", "unavailable mailbox account", "has been closed", "account closed", "account is closed", "mailbox closed", "account has been", "deaktiviert", "gesperrt", "no longer in service", "cancelled account", "停止", "заблокирован", "not been used for", "user is not allowed to receive",
	}},
	{"rejected", []string{
		"sender address rejected", "domain of sender address", "invalid sender", "sender verify", "sender verification", "sender domain", "not member", "not a member", "not subscribed", "recipient addresses rejected : access denied", "recipient address rejected: access denied", "sending to/from an address", "bad sender", "sender denied",
		"sender is not allowed", "sender not allowed", "you are not allowed to post", "not allowed to post", "sender's domain", "unknown sender", "sender unknown", "mail from domain", "from address", "return address", "backscatter", "posting to this list", "permission to post", "権限がない", "グループにメッセージを投稿",
		"aren't authorized to post", "not authorized to post", "may not exist, or you may not have permission", "投稿する権限", "no tiene permiso", "domain does not exist: sender", "sender blocked", "blocked sender", "from envelope", "unable to verify sender", "sender could not be verified", "sender must exist", "sender refused",
	}},
	{"spamdetected", []string{
		"spam detected", "scored as spam", "content rejected", "spam classification", "looks like spam", "considered spam", "identified as spam", "classified as spam", "unsolicited", "spam message", "spam content", "is spam", "likely spam", "as spam", "spam score", "spam-like", "spam filter", "spam rejected", "anti-spam", "antispam", "spamassassin", "ube", "uce",
		"blacklisted url", "bulk mail", "junk mail", "message rejected as", "mail rejete. mail rejected", "ofr_506", "rule imposed as", "probable spam", "suspected spam", "high probability of spam", "spam mail", "spamming and",
	}},
	{"blocked", []string{
		"blocked using", "client host rejected: blocked", "client host blocked", "dnsbl", "rbl ", "@spamhaus", "@spamcop", "@barracudacentral", "@sorbs", "@dnsbl", "banned sending ip", "blacklist", "black list", "black-list", "blocklist", "block list", "block-list", "ip address blocked", "blocked ip", "ip blocked", "your ip", "ip=", "not accepted from servers",
		"smtp server of your isp", "internet service provider", "refusing connection", "connection refused by policy", "no access from mail server", "open relay", "open proxy", "may not be mail exchanger", "service refuse", "ip source bloquee", "invalid ip", "invalid domain name", "blocked by", "blocked - see", "blocked for", "temporarily blocked", "has been blocked",
		"block ip", "ip address is", "host is blocked", "connection blocked", "mail from your", "is listed in", "listed at", "listed by", "rejected by ldap", "client ip address", "dynamic ip", "dynamic address", "greylist", "grey list", "graylist", "greylisted", "bad helo", "helo rejected", "ehlo", "client host rejected: access denied",
		"your e-mail is redundant", "ip range", "not allowed to send mail", "is not allowed to connect", "client was not authenticated", "550 rejected", "missing reverse", "blocked", "sender rejected. refer",
	}},
	{"hostunknown", []string{
		"host unknown", "host not found", "domain not found", "no such domain", "unrouteable mail domain", "unrouteable domain", "unrouteable address", "unroutable address", "invalid domain", "couldn't find any host", "dns lookup failure", "domain is not reachable", "unknown host", "name or service not known", "no such host", "recipient domain does not",
		"domain does not exist", "domain doesn't exist", "nonexistent domain", "non-existent domain", "bad destination host", "illegal host/domain", "cannot resolve", "could not be resolved", "domain name not found", "name service error", "unknown domain", "bad address syntax in domain", "address resolution failed", "could not resolve", "no mx or a records",
		"all relevant mx records point to non-existent", "domain part is invalid", "553 & does not exist",
	}},
	{"notaccept", []string{
		"null mx", "nullmx", "doesn't receive email", "does not receive email", "does not accept mail", "doesn't accept mail", "does not accept email", "doesn't accept email", "no smtp service", "couldn't find a mail exchanger", "not accepting mail", "service not available for", "not accepting messages", "no mail exchanger", "no mx found", "don't accept mail",
		"domain is not accepting", "no longer accepts mail", "name server: .: host not found", "smtp protocol returned a permanent error",
	}},
	{"policyviolation", []string{
		"policy reasons", "policy reason", "denied by policy", "local policy violation", "protocol violation", "header error", "host network not allowed", "message not allowed", "security policies", "content presents a potential", "potential security issue", "policy", "attachment type", "attachments are", "attached file", "file type", "mail not accepted", "extension not allowed",
		"prohibited by", "administrative prohibition", "administratively", "message refused", "message rejected due to", "lpn000", "acl", "not acceptable",
	}},
	{"securityerror", []string{
		"unauthenticated senders", "authentication required", "smtp authentication", "... access denied", "authrequired", "delivery not authorized", "not authorized", "security error", "authentication is required", "must authenticate", "please authenticate", "authentication needed", "access denied & 5.7.1 <", "violates", "insufficient privilege", "not permitted", "not permitted to send",
		"you are not allowed", "authorization failed",
	}},
	{"userunknown", []string{
		"user unknown", "unknown user", "no such user", "no such recipient", "no such mailbox", "no mailbox", "user not found", "recipient not found", "not a valid mailbox", "does not exist", "doesn't exist", "doesn't have a", "unknown recipient", "recipient unknown", "unknown address", "address unknown", "invalid recipient", "invalid mailbox", "invalid address", "invalid user",
		"mailbox not found", "mailbox unavailable", "unknown mailbox", "recipient rejected", "undeliverable address", "user doesn", "not our customer", "not listed in", "no account", "unknown or illegal", "unknown local", "not known", "unknown alias", "no such person", "no such address", "no such local user", "not recognized", "recipnotfound", "nosuchuser",
		"delivery error: dd", "invalid final delivery", "(and other recipients in the same domain)", "ディレクトリのリストにありません", "destinataire invalide", "no existe", "non existant", "inexistant", "unbekannt", "existiert nicht", "onbekend", "sconosciuto", "desconhecido", "desconocido", "见つかりません", "見つかりません", "存在しません", "不存在", "not found in directory", "not listed", "could not be found", "check if address is correct", "not unique",
		"user is unknown", "not a valid user", "bad destination mailbox", "mail account", "email account that you tried to reach", "cannot be found", "is invalid", "invalid email", "wrong email address", "not exist", "nonexistent", "non-existent", "not found", "no user", "name not found", "unknown account", "user invalid", "recipient is not", "address not", "couldn't be found",
		"addresslookup", "no such email", "no such account", "not a local mailbox", "isn't a valid", "account not available", "recipient does not", "несуществ", "не найден", "не существует",
	}},
	{"networkerror", []string{
		"routing loop", "hop count", "loop detected", "too many hops", "loops back", "connection refused", "network is unreachable", "no route to host", "lost connection", "connection reset", "conversation with", "dns error", "malformed or unexpected name server reply", "mail loop", "mail for & loops", "too many received", "host unreachable", "network unreachable", "broken pipe",
		"connection lost", "connection closed", "connection dropped", "mx lookup", "cname lookup failed", "loop!", "hops exceeded", "network error", "connection was dropped", "dns temporary", "temporary dns",
	}},
	{"expired", []string{
		"delivery failed & attempts", "have been failing for a long time", "timed out", "timeout", "time out", "message expired", "queue.expired", "expired", "retry time", "could not be delivered for", "has been delayed", "been delayed", "delayed", "will be retried", "maximum retries", "still being retried", "not been delivered yet", "host not reachable", "not reachable", "too long", "aborted after", "deferred",
		"has not been able to be delivered", "unable to deliver in", "unable to connect", "could not connect", "did not accept our requests to connect", "queue too long", "in the queue", "try again later", "warning message only", "cannot send message for", "giving up", "been trying", "temporarily unavailable", "connect to", "retrying", "配送遅延", "遅延", "couldn't be delivered for",
	}},
	{"mailererror", []string{
		"mailer error", "command died", "local delivery failed", "unknown mailer", "command failed", "pipe to |", "exited with", "child status", "delivery agent", "procmail", "error writing to", "can't create output", "temporary failure. command",
	}},
	{"systemerror", []string{
		"internal system error", "internal server error", "internal error", "transaction failed", "service currently unavailable", "configuration error", "local error", "service unavailable", "could not load", "service is unavailable", "system error", "server error", "local configuration error", "database error", "system failure", "unexpected error", "mail server error",
		"proxy error", "can't open", "i/o error", "queue file write error", "error in processing", "backend", "ldap lookup", "resources temporarily", "software caused", "system not", "system configuration",
	}},
	{"syntaxerror", []string{
		"command not implemented", "command parameter", "syntax error", "malformed address", "bad sequence", "unrecognized command", "unrecognised command", "command unrecognized", "command not recognized", "bad command", "unimplemented", "incorrectly constructed", "parameter not",
	}},
	{"onhold", []string{"on hold", "recipient error", "temporary failure", "temporarily rejected", "undetermined"}},
	{"rejected", []string{"access denied", "sender rejected", "sender"}},
	{"userunknown", []string{"address rejected", "rejected by recipient"}},
}
