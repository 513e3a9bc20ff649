# Reads lines "label file"; prints the probability of spam by SpamAssassin's Bayes alone, then learns the label.
use strict;
use warnings;
use Mail::SpamAssassin;
use Mail::SpamAssassin::PerMsgStatus;

my $dir = shift;
mkdir "$dir/rules";
my $sa = Mail::SpamAssassin->new({
	rules_filename     => "$dir/rules",
	site_rules_filename => "$dir/rules",
	userprefs_filename => "$dir/none",
	userstate_dir      => $dir,
	local_tests_only   => 1,
	dont_copy_prefs    => 1,
	config_text        => "loadplugin Mail::SpamAssassin::Plugin::Bayes\nuse_bayes 1\nbayes_path $dir/bayes\n"
		. "bayes_auto_learn 0\nbayes_auto_expire 0\nbayes_learn_to_journal 0\nbayes_min_ham_num 1\nbayes_min_spam_num 1\nlock_method flock\n",
});
$sa->init(1);
my ($bayes) = grep { ref eq 'Mail::SpamAssassin::Plugin::Bayes' } @{ $sa->{plugins}{plugins} } or die "no Bayes plugin";
$| = 1;
while (my $line = <STDIN>) {
	my ($label, $file) = $line =~ /^(\S+) (.*)$/ or die "no label: $line";
	open my $fh, '<', $file or die "$file: $!";
	my @text = <$fh>;
	close $fh;
	my $mail = $sa->parse(\@text);
	my $status = Mail::SpamAssassin::PerMsgStatus->new($sa, $mail);
	my $p = $bayes->learner_is_scan_available({}) ? $bayes->scan($status, $mail) : undef;
	printf "%.17g\n", defined $p ? $p : 0.5;
	$status->finish();
	$mail->finish();
	$mail = $sa->parse(\@text);
	$sa->init_learner({ wait_for_lock => 1 });
	$sa->learn($mail, undef, $label eq 'spam' ? 1 : 0, 0)->finish();
	$mail->finish();
}
$sa->finish();
