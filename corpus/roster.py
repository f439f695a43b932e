#!/usr/bin/env python3
"""Writes an invented roster of any size with names about as common as in schools of the United Kingdom.

    python3 corpus/roster.py --count 3000 --seed 7 > roster.csv

Forenames and surnames are drawn apart from each other from lists ordered by how common they are, with the long tail that such lists have
(weight 1 / (rank + 12)); a twentieth of the surnames are double. Nobody is meant: a full name that somebody bears is chance, as it is in a
school, and that is what the roster is for. UPNs are of local authority 999, dates of birth are drawn. The same arguments give the same roster.
"""

import argparse
import csv
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from plant.numbers import upn  # noqa: E402

BOYS = """Oliver Jack Harry George Noah Charlie Jacob Alfie Freddie Oscar Muhammad Thomas James William Leo Archie Joshua Henry Ethan
Theo Logan Joseph Arthur Isaac Lucas Samuel Max Alexander Edward Daniel Mohammed Benjamin Dylan Finley Harrison Adam Teddy Sebastian
Toby Luke Mason Theodore Jake Riley Zachary Elijah Harvey Jayden Tommy Matthew Rory Reuben Bobby Michael Ryan Jamie Tyler Nathan
Connor Callum Liam Louis Louie Hugo Frankie Ellis Kai David Hunter Elliot Caleb Stanley Blake Albert Jude Felix Leon Aaron Ibrahim
Cameron Alex Jenson Gabriel Owen Roman Luca Carter Ronnie Ollie Rhys Robert John Kian Aiden Evan Sonny Brody Finn Yusuf Ali Ahmed
Abdullah Omar Zain Hamza Bilal Ayaan Rayan Musa Aarav Arjun Rohan Krish Jakub Filip Szymon Kacper Mateusz Antoni Kwame Kofi Tobi
Emeka Malachi Ezra Nathaniel Dominic Christopher Patrick Sean Kieran Declan Ewan Fraser Hamish Lewis Gethin Osian Tomos Bradley Billy
Joe Sam Ben Dan Tom Peter Paul Mark Simon Stephen Andrew Anthony Richard Charles Frederick Edmund Rupert Jasper Barnaby Rafferty Otis""".split()
GIRLS = """Amelia Olivia Isla Emily Poppy Ava Isabella Jessica Lily Sophie Grace Sophia Mia Evie Ruby Ella Scarlett Isabelle Chloe
Sienna Freya Phoebe Charlotte Daisy Alice Florence Eva Sofia Millie Lucy Evelyn Elsie Rosie Imogen Lola Matilda Elizabeth Layla Holly
Lilly Molly Erin Ellie Maisie Maya Abigail Eliza Georgia Jasmine Esme Willow Bella Annabelle Ivy Amber Emilia Emma Summer Hannah
Eleanor Harriet Rose Amelie Lexi Megan Gracie Zara Lacey Martha Anna Violet Darcey Maria Maryam Brooke Aisha Katie Leah Thea Darcie
Hollie Amy Mollie Heidi Lottie Bethany Francesca Faith Harper Nancy Beatrice Isabel Darcy Lydia Sarah Sara Julia Victoria Zoe Robyn
Fatima Khadija Zainab Ayesha Hafsa Inaya Amina Anaya Priya Diya Kiran Simran Zuzanna Maja Oliwia Hanna Lena Nadia Ama Efua Temi Ngozi
Chidera Naomi Rebecca Rachel Caitlin Niamh Orla Aoife Eilidh Skye Iona Ffion Seren Cerys Carys Lowri Paige Jade Kayla Tia Laura Louise
Hope Iris Olive Penelope Rosalind Ottilie Clementine Tabitha Clara Edith Ada Mabel Hazel Jennifer Susan Helen Nicola Claire Karen""".split()
SURNAMES = """Smith Jones Williams Taylor Brown Davies Evans Wilson Thomas Johnson Roberts Walker Wright Robinson Thompson White Hughes
Edwards Green Hall Wood Harris Lewis Martin Jackson Clarke Clark Turner Hill Scott Cooper Morris Ward Moore King Watson Baker Harrison
Morgan Patel Young Allen Mitchell James Anderson Phillips Lee Bell Parker Davis Khan Ahmed Ali Hussain Begum Singh Kaur Bennett Miller
Cook Shaw Cox Griffiths Richardson Carter Collins Adams Marshall Simpson Foster Rogers Graham Stevens Fisher Reynolds Gray Mills
Richards Owen Ellis Murphy Kelly Kennedy Campbell Stewart Robertson Murray Reid Ross Henderson Paterson Fraser Hamilton Wallace
Mason Hunt Lloyd Palmer Chapman Matthews Webb Rose Knight Butler Barnes Powell Stone Gibson Holmes Dixon Fletcher Gordon Mohammed
Shah Akhtar Iqbal Hussein Malik Mahmood Rahman Islam Uddin Chowdhury Miah Bibi Sharma Kumar Gill Sandhu Dhillon Mistry Desai
Okafor Adeyemi Okoro Mensah Boateng Owusu Asante Osei Kamara Diallo Nguyen Tran Chen Wang Li Wong Chan Kowalski Nowak Wojcik Kaminska
Lewandowski Zielinski Popescu Ionescu Silva Santos Pereira Costa Fernandes Rodrigues Garcia Lopez Rossi Russo Yilmaz Demir Kaya
Burton Lawrence Armstrong Crawford Ferguson Cole Bailey West Jordan Howard Elliott Cunningham Spencer Pearce Barker Francis Hart
Harvey Payne Berry Perkins Gardner Hudson Warren Day Bradley Grant Nicholson Carr Andrews Hopkins Bird Lane Burns Duncan Black Bishop
Kirby Nash Sutton Curtis Gregory Barrett Watts Wells Jenkins Oliver Hawkins Rice Dean Marsh Porter Newman Woods May Long Dawson Frost
Ford Lamb Perry Ryan Walsh Byrne Doyle Gallagher Quinn Brennan Nolan Doherty McCarthy McDonald McKenzie McLean MacLeod Sinclair
Sutherland Cameron Drummond Buchanan Docherty Pritchard Bowen Rees Price Howells Parry Pugh Vaughan Beynon Bevan Llewellyn
Ashton Atkins Ball Banks Bates Bolton Booth Bull Carpenter Chambers Charlton Coates Coleman Coles Cross Dale Daniels Dunn Eaton
Faulkner Field Finch Flynn Forster Fowler Fuller George Gilbert Goodwin Hale Hancock Hardy Harper Haynes Hewitt Hicks Higgins Hobbs
Hodgson Holland Holt Horton Howe Humphreys Hurst Jennings Joyce Kent Lambert Lawson Leonard Little Lowe Lucas Lynch Mann Manning Moss
Norman Norris North Norton Osborne Page Parkin Parsons Peters Pickering Poole Potter Preston Rhodes Riley Rowe Russell Sanders
Saunders Savage Sharp Shepherd Short Slater Steele Stephens Stokes Swift Sykes Terry Thornton Todd Townsend Tucker Tyler Wade
Walters Watkins Weaver Welch Wheeler Whitehead Wilkinson Willis Winter Woodward Yates O'Brien O'Connor O'Neill O'Sullivan D'Souza
Abbott Ainsworth Appleby Ashworth Barlow Beaumont Blackburn Bradshaw Brooks Buckley Butterworth Clayton Clegg Cartwright Crossley
Dewhurst Entwistle Fairhurst Fielding Greenwood Hargreaves Haworth Heaton Holden Horrocks Kershaw Kirkham Langley Lomax Nuttall
Ogden Ormerod Pilkington Ramsden Ratcliffe Rigby Schofield Sutcliffe Tattersall Unsworth Wainwright Whittaker Worthington""".split()


def weighted(names):
    """The names with weights that fall with their rank."""
    names = list(dict.fromkeys(names))
    return names, [1 / (rank + 12) for rank in range(1, len(names) + 1)]


def rows(count, seed):
    """The pupils, each a row."""
    rng = random.Random(seed)
    boys, girls, surnames = weighted(BOYS), weighted(GIRLS), weighted(SURNAMES)
    seen = set()
    while len(seen) < count:
        names, weights = rng.choice((boys, girls))
        forename = rng.choices(names, weights)[0]
        surname = rng.choices(*surnames)[0]
        if rng.random() < 0.05:
            surname += "-" + rng.choices(*surnames)[0]
        middle = rng.choices(names, weights)[0] if rng.random() < 0.5 else ""
        year = rng.randint(0, 13)
        born = f"{rng.randint(1, 28):02d}/{rng.randint(1, 12):02d}/{2021 - year}"
        # Namesakes differ at least in the middle name or the year.
        key = (forename, surname, middle, year)
        if key in seen:
            continue
        seen.add(key)
        yield [upn(rng), surname, forename, middle, born, str(year), f"{year}{rng.choice('ABCDEFKMRST')}", f"School {rng.randint(1, 60)}"]


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    out = csv.writer(sys.stdout)
    out.writerow(["UPN", "Legal Surname", "Legal Forename", "Middle Names", "Date of Birth", "Year", "Reg", "School"])
    out.writerows(rows(args.count, args.seed))


if __name__ == "__main__":
    main()
