import torch

from leftright.models.fusion import FusionNetwork


def network() -> FusionNetwork:
    torch.manual_seed(0)
    return FusionNetwork(num_audio_features=3, num_visual_features=5, num_features=7).eval()


def test_a_step_sees_nothing_of_other_steps():
    fusion, audio, visual = network(), torch.randn(1, 3, 6), torch.randn(1, 5, 6)
    changed = audio.clone()
    changed[..., 2] += 1
    difference = (fusion.joint_embedding(changed, visual) - fusion.joint_embedding(audio, visual)).abs().sum(dim=1)[0]
    assert difference.nonzero().flatten().tolist() == [2]


def test_the_logit_is_the_mean_over_time():
    fusion, audio, visual = network(), torch.randn(2, 3, 6), torch.randn(2, 5, 6)
    halves = [fusion(audio[..., part], visual[..., part]) for part in (slice(0, 3), slice(3, 6))]
    torch.testing.assert_close(fusion(audio, visual), sum(halves) / 2)


def test_fewer_frames_are_spread_over_the_steps():
    fusion, audio = network(), torch.randn(1, 3, 6)
    still = torch.randn(1, 5, 1)
    torch.testing.assert_close(fusion(audio, still.expand(-1, -1, 2)), fusion(audio, still.expand(-1, -1, 6)))


def test_sound_and_picture_cannot_change_places():
    fusion = network()
    assert fusion.steps[0].in_channels == 3 + 5
    audio, visual = torch.randn(1, 3, 4), torch.zeros(1, 5, 4)
    expected = fusion.steps[0].weight[:, :3, 0] @ audio[0] + fusion.steps[0].bias[:, None]
    torch.testing.assert_close(fusion.steps[0](torch.cat((audio, visual), 1))[0], expected)
