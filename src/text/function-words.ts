/** Words that say nothing: English function words, articles of neighbours, and what books are called. */
export const functionWords: ReadonlySet<string> = new Set(
  (
    'a about an and are as at be but by do for from had has have he her him his how i in into is it its like me my no not of ' +
    'on or our s she so t that the their them then there they this to us was we were what when where which who why with ' +
    'you your book books novel author de der des die das del du el et ein eine la las le les los un una une und y'
  ).split(' '),
);
